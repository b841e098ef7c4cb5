# The listener as one container. Its disk is memory and vanishes with it; docs/deploy.md says what that means, and why
# there is never a second instance.

# Nothing in the settings is secret; it is how Cloud Run gives a container a file.
resource "google_secret_manager_secret_version" "config" {
  count = local.on_cloud_run ? 1 : 0

  secret = google_secret_manager_secret.held["config"].id
  secret_data = templatefile("${path.module}/cloud-run/listener.toml.tftpl", {
    operator = var.operator
    host     = var.host
    project  = var.project
    dataset  = var.dataset
    drive    = local.drive
  })
}

resource "google_cloud_run_v2_service" "listener" {
  count = local.on_cloud_run ? 1 : 0

  name                = var.name
  location            = var.region
  labels              = var.labels
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = true

  template {
    service_account       = google_service_account.listener.email
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    # The longest that Cloud Run lets a stream live. Clients come back and go on where they were.
    timeout = "3600s"
    # A stream is a request to it, and this is the most that it allows.
    max_instance_request_concurrency = 1000

    # One, always: live sessions and the record are in it.
    scaling {
      min_instance_count = 1
      max_instance_count = 1
    }

    containers {
      image = var.image
      args  = ["serve", "--config", "/secrets/config/listener.toml"]

      # HTTP/2 without TLS up to the container: gRPC streams in both directions want it.
      ports {
        name           = "h2c"
        container_port = 7443
      }

      resources {
        limits = {
          cpu    = "2"
          memory = "4Gi"
        }
        # Exports go on while no request runs.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 2
        failure_threshold = 30
        grpc {
          port = 7443
        }
      }
      liveness_probe {
        period_seconds    = 15
        failure_threshold = 4
        grpc {
          port = 7443
        }
      }

      volume_mounts {
        name       = "data"
        mount_path = "/data"
      }
      volume_mounts {
        name       = "config"
        mount_path = "/secrets/config"
      }
      volume_mounts {
        name       = "admin"
        mount_path = "/secrets/admin"
      }
    }

    volumes {
      name = "data"
      empty_dir {
        medium     = "MEMORY"
        size_limit = "2Gi"
      }
    }
    volumes {
      name = "config"
      secret {
        secret = google_secret_manager_secret.held["config"].secret_id
        items {
          path    = "listener.toml"
          version = google_secret_manager_secret_version.config[0].version
        }
      }
    }
    volumes {
      name = "admin"
      secret {
        secret = google_secret_manager_secret.held["admin-token"].secret_id
        items {
          path    = "token"
          version = "latest"
        }
      }
    }
  }

  depends_on = [
    google_project_service.used,
    google_secret_manager_secret_iam_member.listener_reads,
  ]
}

# Callers have no Google account: the listener itself asks who they are.
resource "google_cloud_run_v2_service_iam_member" "everybody" {
  count = local.on_cloud_run ? 1 : 0

  name     = google_cloud_run_v2_service.listener[0].name
  location = google_cloud_run_v2_service.listener[0].location
  role     = "roles/run.invoker"
  member   = "allUsers"
}
