variable "name" {
  description = "Prefix of every name in the environment, such as rifaapp-dev."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be 3 to 30 lower-case letters, digits or single hyphens, starting with a letter and not ending in a hyphen."
  }
}

variable "account_id" {
  description = "Id of the AWS account; the ARNs of database users name it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "engine" {
  description = "aurora: Aurora PostgreSQL Serverless v2. rds: one plain RDS PostgreSQL instance, for small budgets."
  type        = string
  default     = "aurora"
  nullable    = false

  validation {
    condition     = contains(["aurora", "rds"], var.engine)
    error_message = "engine must be aurora or rds."
  }
}

variable "engine_version" {
  description = "PostgreSQL version: 15, the newest minor of which AWS then takes, or 15 with a minor. Minor upgrades happen by themselves in the maintenance window."
  type        = string
  default     = "15"
  nullable    = false

  validation {
    condition     = can(regex("^15(\\.[0-9]{1,2})?$", var.engine_version))
    error_message = "engine_version must be 15, or 15 with a minor that AWS offers: aws rds describe-db-engine-versions --engine aurora-postgresql (or postgres). From PostgreSQL 16 on who makes a role stays a member of it, so once there are roles that sign in by IAM the server would refuse the master user's password, with which roles.sql is run."
  }
}

variable "database_name" {
  description = "Name of the database that is made with the server."
  type        = string
  default     = "rifaapp"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "database_name must be 1 to 63 lower-case letters, digits or underscores, starting with a letter."
  }
}

variable "master_username" {
  description = "Name of the master user. Its password is made, kept and rotated by RDS in Secrets Manager; nobody types it."
  type        = string
  default     = "rifaapp_master"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.master_username)) && !contains(["admin", "postgres", "rdsadmin"], var.master_username)
    error_message = "master_username must be 1 to 16 lower-case letters, digits or underscores, and not admin, postgres or rdsadmin."
  }
}

variable "subnet_ids" {
  description = "Private subnets in at least two zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2
    error_message = "subnet_ids must name at least two subnets: RDS wants two zones."
  }
}

variable "security_group_id" {
  description = "Security group of the database, from the network module."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.security_group_id, "sg-")
    error_message = "security_group_id must be the id of a security group, sg-…."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts storage, backups, the master secret and Performance Insights."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "production" {
  description = "Whether the data matter: deletion protection, a final snapshot, no pausing at zero."
  type        = bool
  nullable    = false
}

variable "capacity" {
  description = "Aurora capacity units (about 2 GiB each), least and most, in halves; least 0 lets an idle server pause after pause_after_seconds, and the next visitor waits about 15 s."
  type = object({
    min                 = number
    max                 = number
    pause_after_seconds = optional(number, 900)
  })
  default  = { min = 0.5, max = 4 }
  nullable = false

  validation {
    condition     = var.capacity.min >= 0 && var.capacity.max <= 256 && var.capacity.max >= 1 && var.capacity.min <= var.capacity.max
    error_message = "capacity must have 0 <= min <= max, and max from 1 to 256."
  }

  validation {
    condition     = var.capacity.min * 2 == floor(var.capacity.min * 2) && var.capacity.max * 2 == floor(var.capacity.max * 2)
    error_message = "capacity is counted in halves: 0.5, 1, 1.5 and so on."
  }

  validation {
    condition     = !var.production || var.capacity.min >= 0.5
    error_message = "In production capacity.min must be at least 0.5: a paused server would keep buyers waiting."
  }

  validation {
    condition     = var.capacity.pause_after_seconds >= 300 && var.capacity.pause_after_seconds <= 86400
    error_message = "capacity.pause_after_seconds must be from 300 to 86400."
  }
}

variable "instance" {
  description = "The plain RDS instance: class, storage in GiB with the size it may grow to, and whether a standby stands in a second zone. Unused by Aurora."
  type = object({
    class           = optional(string, "db.t4g.micro")
    storage_gib     = optional(number, 20)
    max_storage_gib = optional(number, 100)
    multi_az        = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = startswith(var.instance.class, "db.")
    error_message = "instance.class must be an RDS class such as db.t4g.micro."
  }

  validation {
    condition     = var.instance.storage_gib >= 20 && var.instance.max_storage_gib >= var.instance.storage_gib
    error_message = "instance.storage_gib must be at least 20 and no more than instance.max_storage_gib."
  }
}

variable "max_connections" {
  description = "Connections the server accepts, written into the parameter group so that what the functions may open can be checked against it. Null: 180 for each capacity unit of the maximum, at most 2000 (what a server that shrinks below one unit allows), or 80 on plain RDS."
  type        = number
  default     = null

  validation {
    condition     = var.max_connections == null || (coalesce(var.max_connections, 50) >= 50 && coalesce(var.max_connections, 50) <= 5000)
    error_message = "max_connections must be from 50 to 5000."
  }

  validation {
    condition     = var.engine != "aurora" || coalesce(var.max_connections, 50) <= min(189 * var.capacity.max, var.capacity.min < 1 ? 2000 : 5000)
    error_message = "max_connections is more than the largest capacity can carry: at most 189 for each capacity unit, and 2000 when capacity.min is below 1."
  }
}

variable "reader_count" {
  description = "Aurora readers beside the writer. They serve public lists that may lag, and take over when the writer fails."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.reader_count >= 0 && var.reader_count <= 15 && floor(var.reader_count) == var.reader_count
    error_message = "reader_count must be a whole number from 0 to 15."
  }

  validation {
    condition     = var.engine == "aurora" || var.reader_count == 0
    error_message = "reader_count needs engine aurora; plain RDS has instance.multi_az for a standby."
  }
}

variable "backup_retention_days" {
  description = "Days to which the database can be restored, to the second."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be from 1 to 35: a database without backups is refused."
  }

  validation {
    condition     = !var.production || var.backup_retention_days >= 7
    error_message = "In production backup_retention_days must be at least 7."
  }
}

variable "data_api" {
  description = "Answer SQL over HTTPS for principals that may use the Data API and read the master secret: how roles.sql reaches a private database. Aurora only."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "How long the server's log is kept; one of the periods CloudWatch knows."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a period CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}
