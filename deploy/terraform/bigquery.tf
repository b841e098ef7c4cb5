# Where history goes. The tables and views are the listener's own to make and widen: `cnc-listener bigquery setup`.

resource "google_bigquery_dataset" "history" {
  dataset_id    = var.dataset
  location      = var.dataset_location
  friendly_name = "cnc history"
  description   = "What clients measured: sessions, tests, samples, findings. It holds personal data."
  labels        = var.labels
  # What the listener deletes is gone after two days, the least that BigQuery allows, not after seven.
  max_time_travel_hours      = "48"
  delete_contents_on_destroy = false
  depends_on                 = [google_project_service.used]

  lifecycle {
    prevent_destroy = true
  }
}
