variable "name" {
  description = "Prefix of every name in the environment, such as rifaapp-dev."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits or hyphens, starting with a letter and not ending in a hyphen."
  }
}

variable "api_function_name" {
  description = "Name of the api function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]+$", var.api_function_name))
    error_message = "api_function_name must be the name of a function."
  }
}

variable "migrator_function_name" {
  description = "Name of the migrator function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]+$", var.migrator_function_name))
    error_message = "migrator_function_name must be the name of a function."
  }
}

variable "alias" {
  description = "Alias of the functions that is served."
  type        = string
  default     = "live"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.alias))
    error_message = "alias must be lower-case letters, digits or hyphens."
  }
}

variable "api_log_group_name" {
  description = "Log group of the api function, whose JSON lines are counted by status."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.api_log_group_name, "/aws/lambda/")
    error_message = "api_log_group_name must be a log group of Lambda, /aws/lambda/…."
  }
}

variable "api_id" {
  description = "Id of the HTTP API; its metrics carry it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+$", var.api_id))
    error_message = "api_id must be the id of an HTTP API."
  }
}

variable "database" {
  description = "What to watch of the database: engine aurora or rds, its identifier, the connections it accepts."
  type = object({
    engine          = string
    identifier      = string
    max_connections = number
  })
  nullable = false

  validation {
    condition     = contains(["aurora", "rds"], var.database.engine) && var.database.max_connections > 0
    error_message = "database.engine must be aurora or rds, and database.max_connections above zero."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts alarm messages."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "alarm_emails" {
  description = "Who is written to when an alarm goes off; each confirms once by a link."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for e in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", e))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "schedule" {
  description = "By which clock the api function is called, as the lambda module has it; null for none. Dropped calls of one that is slower than a minute are each an alarm."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null || can(regex("^(rate|cron)\\(.+\\)$", var.schedule))
    error_message = "schedule must be rate(…) or cron(…), such as rate(1 minute)."
  }
}

variable "canary" {
  description = "When a canary is called back: failed share of calls in percent over a minute (with at least min_calls in it), and the slowest hundredth in milliseconds (with at least 50)."
  type = object({
    error_percent = optional(number, 1)
    min_calls     = optional(number, 10)
    p99_ms        = optional(number, 3000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.canary.error_percent > 0 && var.canary.error_percent <= 100 && var.canary.min_calls >= 1 && var.canary.p99_ms >= 100
    error_message = "canary needs error_percent from above 0 to 100, min_calls of at least 1, and p99_ms of at least 100."
  }
}
