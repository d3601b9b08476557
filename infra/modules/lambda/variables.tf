variable "name" {
  description = "Name of the function, such as rifaapp-dev-api."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,48}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 50 lower-case letters, digits or hyphens, starting with a letter and not ending in a hyphen."
  }
}

variable "description" {
  description = "One sentence on what the function does, shown in the console."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.description) >= 10 && length(var.description) <= 256
    error_message = "description must be a sentence of 10 to 256 characters."
  }
}

variable "account_id" {
  description = "Id of the AWS account; policies name it, so no look-up is needed to plan."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "zip_path" {
  description = "The zip that `mage build` makes. Where no such file exists the code is left as it is, so that a drift check needs no build; a new function cannot be made without it."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.zip_path, ".zip")
    error_message = "zip_path must name a .zip file: `go tool mage build` makes it."
  }
}

variable "compare_code" {
  description = "Whether a zip that differs from the function's code is a change. False for a look at what there is, where a zip left behind by some build says nothing."
  type        = bool
  default     = true
  nullable    = false
}

variable "memory_mb" {
  description = "Memory in MiB. Processor share grows with it: 1769 is one whole core."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number from 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "When Lambda ends an invocation. 15 for requests (the handler gives up after 8, the gateway after 20), 900 for migrations."
  type        = number
  default     = 15
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "timeout_seconds must be from 1 to 900, Lambda's limit."
  }
}

variable "reserved_concurrency" {
  description = "How many copies may run at once. A number, not a wish: it bounds the connections to the database."
  type        = number
  nullable    = false

  validation {
    condition     = var.reserved_concurrency >= 1 && var.reserved_concurrency <= 1000 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency must be a whole number from 1 to 1000. Without it Lambda could open more connections than the database has."
  }
}

variable "pool_size" {
  description = "Connections one copy may hold at once. A copy serves one request at a time, so one is enough."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.pool_size >= 1 && var.pool_size <= 10 && floor(var.pool_size) == var.pool_size
    error_message = "pool_size must be a whole number from 1 to 10."
  }
}

variable "connections_elsewhere" {
  description = "Connections that other functions of the same database may hold; they count against the same 80 %."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.connections_elsewhere >= 0
    error_message = "connections_elsewhere must not be negative."
  }
}

variable "database" {
  description = "Where the function's data are. login iam: the role user signs in with a token. login secret: user and password come from secret_arn."
  type = object({
    host            = string
    port            = number
    name            = string
    user            = string
    max_connections = number
    login           = optional(string, "iam")
    user_arn        = optional(string)
    secret_arn      = optional(string)
    read_host       = optional(string)
    sslmode         = optional(string, "verify-full")
  })
  nullable = false

  validation {
    condition     = contains(["iam", "secret"], var.database.login)
    error_message = "database.login must be iam or secret."
  }

  validation {
    condition     = var.database.login != "iam" || can(regex("^arn:aws[a-z-]*:rds-db:[a-z0-9-]+:[0-9]{12}:dbuser:[A-Za-z0-9-]+/[a-z0-9_]+$", var.database.user_arn))
    error_message = "database.user_arn must be the exact ARN of one database user (arn:aws:rds-db:…:dbuser:<resource id>/<role>) for login iam."
  }

  validation {
    condition     = var.database.login != "secret" || can(regex("^arn:aws[a-z-]*:secretsmanager:[^*]+$", var.database.secret_arn))
    error_message = "database.secret_arn must be the ARN of a secret for login secret."
  }

  validation {
    condition     = contains(["require", "verify-ca", "verify-full"], var.database.sslmode)
    error_message = "database.sslmode must be require, verify-ca or verify-full: nothing else is encrypted for certain."
  }
}

variable "environment" {
  description = "Further environment variables. Nothing secret: whoever may read the function reads them."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for k in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", k))])
    error_message = "environment names must be upper-case letters, digits and underscores."
  }

  validation {
    condition     = alltrue([for k in keys(var.environment) : !startswith(k, "DB_") && k != "GOMEMLIMIT"])
    error_message = "DB_* and GOMEMLIMIT are set by the module, from database and memory_mb."
  }

  validation {
    condition     = !contains(keys(var.environment), "JWT_KEYS")
    error_message = "JWT_KEYS is a secret: name it in secrets, and the function gets an ARN."
  }

  validation {
    condition     = !contains(keys(var.environment), "MIGRATIONS_TOKEN")
    error_message = "MIGRATIONS_TOKEN is not for AWS: there the route of the migrations is guarded by IAM."
  }
}

variable "secrets" {
  description = "Secrets the module makes, empty, for this function alone: environment variable that gets the ARN => last part of the secret's name. The program reads an ARN in JWT_KEYS only; the database's secret is database.secret_arn. Their values are put in by hand or by a tool, never by Terraform."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for k, v in var.secrets : k == "JWT_KEYS" && can(regex("^[a-z][a-z0-9-]{1,40}$", v))])
    error_message = "secrets must map JWT_KEYS, the one variable in which the program reads an ARN, to a lower-case secret name, such as JWT_KEYS = \"jwt-keys\"."
  }
}

variable "secret_prefix" {
  description = "First part of the secrets' names: the environment's name, which the endpoint policy of the network module lets through."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.secret_prefix))
    error_message = "secret_prefix must be 3 to 30 lower-case letters, digits or hyphens."
  }
}

variable "secret_recovery_days" {
  description = "Days in which a deleted secret can be brought back; 0 deletes at once, for environments that come and go."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "secret_recovery_days must be 0, or from 7 to 30."
  }
}

variable "subnet_ids" {
  description = "Private subnets the function runs in."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "subnet_ids must name at least one subnet: the database can be reached only from there."
  }
}

variable "security_group_id" {
  description = "Security group of functions, from the network module."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.security_group_id, "sg-")
    error_message = "security_group_id must be the id of a security group, sg-…."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the log group and the secrets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "log_retention_days" {
  description = "How long the function's log is kept; one of the periods CloudWatch knows."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a period CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "schedule" {
  description = "Invoke the live alias by the clock, such as rate(1 minute), with the standard scheduled event of EventBridge; null for never."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null || can(regex("^(rate\\([1-9][0-9]* (minute|minutes|hour|hours|day|days)\\)|cron\\(.+\\))$", var.schedule))
    error_message = "schedule must be rate(…) or cron(…), such as rate(1 minute)."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary that the function's role carries, from the bootstrap module; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy, or null."
  }
}
