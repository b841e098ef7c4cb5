# The secrets' places. What is secret is put there by hand (the output next_steps says how), so that it never lies in
# Terraform's state.

locals {
  secrets = toset(local.on_vm ? ["tls-cert", "tls-key"] : ["admin-token", "config"])
}

resource "google_secret_manager_secret" "held" {
  for_each = local.secrets

  secret_id = "${var.name}-${each.value}"
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.used]
}

# Each by itself: the listener reads no other secret of the project.
resource "google_secret_manager_secret_iam_member" "listener_reads" {
  for_each = google_secret_manager_secret.held

  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.listener.member
}
