terraform {
  # Validation that looks at other variables came with 1.9.
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    google = {
      source = "hashicorp/google"
      # Exactly this one: its arguments are what the tests hold these files against.
      version = "6.50.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
