# Who the listener is at Google. It has no key: the machine it runs on speaks for it.

resource "google_service_account" "listener" {
  account_id   = "${var.name}-listener"
  display_name = "cnc listener"
  description  = "Writes measured history to the dataset ${var.dataset}, and reports to a shared folder."
  depends_on   = [google_project_service.used]
}

# Tables, rows and views of this one dataset.
resource "google_bigquery_dataset_iam_member" "listener_edits_history" {
  dataset_id = google_bigquery_dataset.history.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.listener.member
}

# Running queries is a right on the project; it shows no data.
resource "google_project_iam_member" "listener_runs_queries" {
  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.listener.member
}
