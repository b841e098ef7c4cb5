output "service_account" {
  description = "Who the listener is at Google. Share the Drive folder with it, as a content manager."
  value       = google_service_account.listener.email
}

output "dataset" {
  description = "Where history goes."
  value       = "${var.project}.${google_bigquery_dataset.history.dataset_id}"
}

output "addresses" {
  description = "For vm: what the host's A and AAAA records must say."
  value = local.on_vm ? {
    A    = google_compute_address.v4[0].address
    AAAA = google_compute_address.v6[0].address
  } : {}
}

output "url" {
  description = "Where the listener answers: for vm once DNS points there; Cloud Run's own address otherwise, until the host is mapped to it."
  value       = local.on_vm ? "https://${var.host}" : google_cloud_run_v2_service.listener[0].uri
}

output "next_steps" {
  description = "What is done by hand, so that no secret lies in Terraform's state."
  value = local.on_vm ? [
    "gcloud secrets versions add ${var.name}-tls-cert --project ${var.project} --data-file fullchain.pem",
    "gcloud secrets versions add ${var.name}-tls-key --project ${var.project} --data-file privkey.pem",
    "gcloud compute ssh ${var.name} --project ${var.project} --zone ${var.region}-${var.zone} --tunnel-through-iap --command 'sudo google_metadata_script_runner startup && sudo cat /var/lib/cnc/admin.token'",
    ] : [
    "openssl rand -hex 32 | gcloud secrets versions add ${var.name}-admin-token --project ${var.project} --data-file -",
  ]
}
