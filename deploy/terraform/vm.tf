# A machine of its own: Debian with systemd, the units of ../systemd, and a disk that outlives it.

locals {
  program_sha256 = local.on_vm ? filesha256(var.program) : ""
  systemd        = "${path.module}/../systemd"

  units = {
    "/etc/sysusers.d/cnc.conf"                 = "${local.systemd}/cnc.sysusers"
    "/etc/systemd/system/cnc-listener.service" = "${local.systemd}/cnc-listener.service"
    "/etc/systemd/system/cnc-secrets.service"  = "${path.module}/vm/cnc-secrets.service"
    "/etc/systemd/system/cnc-secrets.timer"    = "${path.module}/vm/cnc-secrets.timer"
    "/usr/local/lib/cnc/cnc-secrets"           = "${path.module}/vm/cnc-secrets"
  }
}

resource "google_storage_bucket" "programs" {
  count = local.on_vm ? 1 : 0

  name                        = "${var.project}-${var.name}-programs"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  depends_on                  = [google_project_service.used]
}

resource "google_storage_bucket_object" "program" {
  count = local.on_vm ? 1 : 0

  bucket = google_storage_bucket.programs[0].name
  name   = "cnc-listener-${local.program_sha256}"
  source = var.program
}

resource "google_storage_bucket_iam_member" "listener_reads_program" {
  count = local.on_vm ? 1 : 0

  bucket = google_storage_bucket.programs[0].name
  role   = "roles/storage.objectViewer"
  member = google_service_account.listener.member
}

resource "google_compute_disk" "data" {
  count = local.on_vm ? 1 : 0

  name       = "${var.name}-data"
  zone       = "${var.region}-${var.zone}"
  type       = "pd-balanced"
  size       = var.disk_gb
  labels     = var.labels
  depends_on = [google_project_service.used]

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_compute_resource_policy" "nightly" {
  count = local.on_vm ? 1 : 0

  name   = "${var.name}-nightly"
  region = var.region

  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        start_time    = "03:00"
      }
    }
    retention_policy {
      max_retention_days = var.snapshot_days
    }
    snapshot_properties {
      labels = var.labels
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_compute_disk_resource_policy_attachment" "nightly" {
  count = local.on_vm ? 1 : 0

  name = google_compute_resource_policy.nightly[0].name
  disk = google_compute_disk.data[0].name
  zone = google_compute_disk.data[0].zone
}

resource "google_compute_instance" "listener" {
  count = local.on_vm ? 1 : 0

  name                      = var.name
  zone                      = "${var.region}-${var.zone}"
  machine_type              = var.machine_type
  labels                    = var.labels
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-12"
      size  = 20
      type  = "pd-balanced"
    }
  }

  attached_disk {
    source      = google_compute_disk.data[0].id
    device_name = "cnc-data"
  }

  network_interface {
    subnetwork = google_compute_subnetwork.listener[0].id
    stack_type = "IPV4_IPV6"

    access_config {
      nat_ip = google_compute_address.v4[0].address
    }
    ipv6_access_config {
      external_ipv6               = google_compute_address.v6[0].address
      external_ipv6_prefix_length = "96"
      network_tier                = "PREMIUM"
    }
  }

  # What it may do is said by its roles; scopes only narrow that, and Drive is in none of the wide ones.
  service_account {
    email  = google_service_account.listener.email
    scopes = ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/drive"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  metadata = {
    enable-oslogin         = "TRUE"
    block-project-ssh-keys = "TRUE"
    startup-script = templatefile("${path.module}/vm/start.sh.tftpl", {
      bucket  = google_storage_bucket.programs[0].name
      object  = google_storage_bucket_object.program[0].name
      sha256  = local.program_sha256
      secrets = var.name
      files   = { for path, source in local.units : path => filebase64(source) }
      config  = base64encode(local.vm_config)
    })
  }

  depends_on = [
    google_secret_manager_secret_iam_member.listener_reads,
    google_storage_bucket_iam_member.listener_reads_program,
  ]
}

locals {
  vm_config = templatefile("${path.module}/vm/listener.toml.tftpl", {
    operator   = var.operator
    host       = var.host
    uplink_bps = var.uplink_bps
    project    = var.project
    dataset    = var.dataset
    drive      = local.drive
  })
}
