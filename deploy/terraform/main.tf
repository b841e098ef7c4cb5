# A listener with its history in BigQuery: on a machine of its own, or on Cloud Run. docs/deploy.md says how to apply it.

locals {
  on_vm        = var.run_on == "vm"
  on_cloud_run = var.run_on == "cloud-run"

  # The setting for documents, where there is a folder for them.
  drive = var.drive_folder == null ? "" : "folder = \"${var.drive_folder}\""

  services = concat(
    ["bigquery.googleapis.com", "bigquerystorage.googleapis.com", "iam.googleapis.com", "secretmanager.googleapis.com"],
    var.drive_folder == null ? [] : ["drive.googleapis.com"],
    local.on_vm ? ["compute.googleapis.com", "storage.googleapis.com"] : ["run.googleapis.com"],
  )
}

resource "google_project_service" "used" {
  for_each = toset(local.services)

  service = each.value
  # Others in the project may use them too.
  disable_on_destroy = false
}
