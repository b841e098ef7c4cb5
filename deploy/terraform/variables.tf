variable "project" {
  description = "The Google Cloud project's id. It must exist and have billing."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens, like example-project."
  }
}

variable "region" {
  description = "Where the listener runs: near the callers, for the way to it is part of what they measure."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is written like europe-west3."
  }
}

variable "zone" {
  description = "The region's zone for the machine and its disk, one letter."
  type        = string
  default     = "b"

  validation {
    condition     = can(regex("^[a-f]$", var.zone))
    error_message = "A zone is one letter, like b."
  }
}

variable "name" {
  description = "What everything is named after; two listeners in one project need two."
  type        = string
  default     = "cnc"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "The name has 3 to 20 lower-case letters, digits and hyphens."
  }
}

variable "run_on" {
  description = "Where the listener runs: on a machine of its own (vm), which is what measuring wants, or on Cloud Run (cloud-run), without throughput tests."
  type        = string
  default     = "vm"

  validation {
    condition     = contains(["vm", "cloud-run"], var.run_on)
    error_message = "The listener runs on vm or cloud-run."
  }
}

variable "host" {
  description = "The name under which users reach the listener. You point it there yourself, by DNS."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.host))
    error_message = "The host is a name like check.example.com, without https://."
  }
}

variable "operator" {
  description = "Who asks, as users see it before they agree."
  type        = string

  validation {
    condition     = can(regex("^[^\"\\\\$%\\x00-\\x1f]{3,100}$", var.operator))
    error_message = "The operator has 3 to 100 characters, without quotes, backslashes, $ and %."
  }
}

variable "dataset" {
  description = "The BigQuery dataset that history goes to."
  type        = string
  default     = "cnc"

  validation {
    condition     = can(regex("^[A-Za-z0-9_]{1,200}$", var.dataset))
    error_message = "A dataset's name has up to 200 letters, digits and underscores."
  }
}

variable "dataset_location" {
  description = "Where the dataset lies. It holds personal data and cannot be moved later."
  type        = string
  default     = "EU"

  validation {
    condition     = can(regex("^([A-Z]{2}|[a-z]+-[a-z]+[0-9]+)$", var.dataset_location))
    error_message = "A dataset lies in EU, US or a region like europe-west3."
  }
}

variable "drive_folder" {
  description = "The id of the shared-drive folder for reports as documents; null for none. Share it with the output service_account yourself."
  type        = string
  default     = null

  validation {
    condition     = var.drive_folder == null || can(regex("^[A-Za-z0-9_-]{10,100}$", var.drive_folder))
    error_message = "A folder's id is the last part of its address in the browser."
  }
}

variable "program" {
  description = "For vm: the static listener on this machine, as `cargo xtask dist` leaves it in target/dist/cnc-listener."
  type        = string
  default     = null

  validation {
    condition     = var.run_on != "vm" || (var.program != null && try(fileexists(var.program), false))
    error_message = "For vm, program names the file that cargo xtask dist has built."
  }
}

variable "image" {
  description = "For cloud-run: the image in a registry that the project may read, by its digest."
  type        = string
  default     = null

  validation {
    condition     = var.run_on != "cloud-run" || can(regex("^[a-z0-9./_-]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "For cloud-run, image is written REGISTRY/NAME@sha256:…: a tag may mean another image tomorrow."
  }
}

variable "machine_type" {
  description = "For vm: its kind. Two cores carry some hundred live sessions; throughput tests want a line, not cores."
  type        = string
  default     = "e2-standard-2"

  validation {
    condition     = can(regex("^[a-z][0-9a-z]*-[a-z]+(-[0-9]+)?$", var.machine_type))
    error_message = "A machine's kind is written like e2-standard-2."
  }
}

variable "uplink_bps" {
  description = "For vm: what throughput tests may load together, in bits a second."
  type        = number
  default     = 2000000000

  validation {
    condition     = var.uplink_bps >= 1000000 && floor(var.uplink_bps) == var.uplink_bps
    error_message = "The uplink is a whole number of bits a second, at least 1000000."
  }
}

variable "disk_gb" {
  description = "For vm: the size of the data disk in GB. docs/deploy.md says what fills it."
  type        = number
  default     = 50

  validation {
    condition     = var.disk_gb >= 10 && var.disk_gb <= 10000 && floor(var.disk_gb) == var.disk_gb
    error_message = "The data disk has 10 to 10000 GB."
  }
}

variable "snapshot_days" {
  description = "For vm: how many days the nightly snapshots of the data disk are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.snapshot_days >= 1 && var.snapshot_days <= 365 && floor(var.snapshot_days) == var.snapshot_days
    error_message = "Snapshots are kept for 1 to 365 days."
  }
}

variable "labels" {
  description = "Labels on everything that can have some."
  type        = map(string)
  default     = { app = "cnc" }

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels have lower-case letters, digits, hyphens and underscores."
  }
}
