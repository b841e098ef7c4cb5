# The machine's network: what comes in, from where. Both address families, for both are measured.

resource "google_compute_network" "listener" {
  count = local.on_vm ? 1 : 0

  name                    = var.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.used]
}

resource "google_compute_subnetwork" "listener" {
  count = local.on_vm ? 1 : 0

  name                     = var.name
  network                  = google_compute_network.listener[0].id
  region                   = var.region
  ip_cidr_range            = "10.79.0.0/28"
  stack_type               = "IPV4_IPV6"
  ipv6_access_type         = "EXTERNAL"
  private_ip_google_access = true
}

resource "google_compute_address" "v4" {
  count = local.on_vm ? 1 : 0

  name       = "${var.name}-v4"
  region     = var.region
  labels     = var.labels
  depends_on = [google_project_service.used]
}

resource "google_compute_address" "v6" {
  count = local.on_vm ? 1 : 0

  name               = "${var.name}-v6"
  region             = var.region
  address_type       = "EXTERNAL"
  ip_version         = "IPV6"
  ipv6_endpoint_type = "VM"
  subnetwork         = google_compute_subnetwork.listener[0].id
  labels             = var.labels
}

locals {
  # A rule is for one address family.
  everybody = local.on_vm ? { v4 = "0.0.0.0/0", v6 = "::/0" } : {}
}

resource "google_compute_firewall" "callers" {
  for_each = local.everybody

  name                    = "${var.name}-callers-${each.key}"
  description             = "Clients, browsers and UDP pings; port 80 tells captive portals apart."
  network                 = google_compute_network.listener[0].id
  source_ranges           = [each.value]
  target_service_accounts = [google_service_account.listener.email]

  allow {
    protocol = "tcp"
    ports    = ["80", "443"]
  }
  allow {
    protocol = "udp"
    ports    = ["443"]
  }
  # Pings and traces by ICMP are measured to the listener, too.
  allow {
    protocol = each.key == "v4" ? "icmp" : "58"
  }
}

resource "google_compute_firewall" "admins" {
  count = local.on_vm ? 1 : 0

  name                    = "${var.name}-admins"
  description             = "SSH through Google's proxy alone, which asks who it is."
  network                 = google_compute_network.listener[0].id
  source_ranges           = ["35.235.240.0/20"]
  target_service_accounts = [google_service_account.listener.email]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}
