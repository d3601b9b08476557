variable "name" {
  description = "Prefix of every name in the environment, such as rifaapp-dev."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits or hyphens, starting with a letter and not ending in a hyphen."
  }
}

variable "openapi_path" {
  description = "The committed OpenAPI document. Every operation in it becomes a route, so the two cannot drift apart."
  type        = string
  nullable    = false

  validation {
    condition     = can(yamldecode(file(var.openapi_path)).paths)
    error_message = "openapi_path must name a readable OpenAPI document with paths."
  }

  validation {
    condition     = try(length(yamldecode(file(var.openapi_path)).paths), 0) > 0 && try(alltrue([for path in keys(yamldecode(file(var.openapi_path)).paths) : startswith(path, "/rifaapp")]), false)
    error_message = "Every path of the OpenAPI document must lie under /rifaapp, and there must be one."
  }
}

variable "api_function" {
  description = "Function that serves the routes: its name, the alias to call, and the alias's invoke ARN."
  type = object({
    name       = string
    alias      = string
    invoke_arn = string
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/", var.api_function.invoke_arn))
    error_message = "api_function.invoke_arn must be the invoke ARN of a Lambda alias (arn:aws:apigateway:…:lambda:path/…)."
  }
}

variable "migrator_function" {
  description = "Function behind the migrations route, same shape as api_function."
  type = object({
    name       = string
    alias      = string
    invoke_arn = string
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/", var.migrator_function.invoke_arn))
    error_message = "migrator_function.invoke_arn must be the invoke ARN of a Lambda alias (arn:aws:apigateway:…:lambda:path/…)."
  }
}

variable "migrations_route" {
  description = "The one route that goes to the migrator, for callers that IAM knows."
  type        = string
  default     = "POST /rifaapp/migrations/run"
  nullable    = false

  validation {
    condition     = can(regex("^POST /rifaapp/", var.migrations_route))
    error_message = "migrations_route must be a POST under /rifaapp."
  }
}

variable "answer_unknown_routes" {
  description = "Send what no route matches to the api function, which answers with a problem like every other error. False: the gateway's own 404."
  type        = bool
  default     = true
  nullable    = false
}

variable "integration_timeout_ms" {
  description = "How long the gateway waits for a function: longer than the function's 15 s, so that the function's own answer wins."
  type        = number
  default     = 20000
  nullable    = false

  validation {
    condition     = var.integration_timeout_ms >= 1000 && var.integration_timeout_ms <= 30000
    error_message = "integration_timeout_ms must be from 1000 to 30000, the gateway's limit."
  }
}

variable "throttle" {
  description = "Requests a second the stage lets through, steadily (rate) and at once (burst)."
  type = object({
    rate  = number
    burst = number
  })
  default  = { rate = 200, burst = 400 }
  nullable = false

  validation {
    condition     = var.throttle.rate >= 1 && var.throttle.burst >= var.throttle.rate && var.throttle.burst <= 10000
    error_message = "throttle must have 1 <= rate <= burst <= 10000."
  }
}

variable "migrations_throttle" {
  description = "The same for the migrations route, which nobody needs often."
  type = object({
    rate  = number
    burst = number
  })
  default  = { rate = 1, burst = 2 }
  nullable = false

  validation {
    condition     = var.migrations_throttle.rate >= 1 && var.migrations_throttle.burst >= var.migrations_throttle.rate
    error_message = "migrations_throttle must have 1 <= rate <= burst."
  }
}

variable "cors" {
  description = "Who may call from a browser. What the product always accepts and exposes is added by the module."
  type = object({
    allow_origins   = list(string)
    allow_methods   = optional(list(string), ["GET", "POST", "PATCH", "DELETE", "OPTIONS"])
    allow_headers   = optional(list(string), [])
    max_age_seconds = optional(number, 600)
  })
  nullable = false

  validation {
    condition     = length(var.cors.allow_origins) > 0 && alltrue([for o in var.cors.allow_origins : o == "*" || can(regex("^https?://[^/*]+$", o))])
    error_message = "cors.allow_origins must be * or origins without a path, such as https://rifa.example."
  }

  validation {
    condition     = !contains(var.cors.allow_origins, "*") || length(var.cors.allow_origins) == 1
    error_message = "cors.allow_origins is either * alone or a list of origins."
  }

  validation {
    condition     = var.cors.max_age_seconds >= 0 && var.cors.max_age_seconds <= 86400
    error_message = "cors.max_age_seconds must be from 0 to 86400."
  }
}

variable "domain" {
  description = "Own host name: the certificate (same region, already validated) and, when Route 53 holds the zone, its id; the records are written then. Null for none."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "domain.name must be a host name such as api.rifa.example."
  }

  validation {
    condition     = var.domain == null || can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/", var.domain.certificate_arn))
    error_message = "domain.certificate_arn must be the ARN of an ACM certificate."
  }
}

variable "close_execute_api" {
  description = "Close the execute-api address, so that the domain is the only one. Null: closed when the domain has a zone_id, open while its record is somebody else's to make."
  type        = bool
  default     = null

  validation {
    condition     = var.close_execute_api != true || var.domain != null
    error_message = "close_execute_api needs a domain: without one nobody could reach the API."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the access log."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "log_retention_days" {
  description = "How long the access log is kept; one of the periods CloudWatch knows."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a period CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}
