variable "name" {
  description = "Prefix of every name in the environment, such as rifaapp-dev."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits or hyphens, starting with a letter and not ending in a hyphen."
  }
}

variable "account_id" {
  description = "Id of the AWS account; key and endpoint policies name it, so no look-up is needed to plan."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "cidr" {
  description = "IPv4 range of the VPC, /16 to /22 in private address space. Subnets are sixteenths of it."
  type        = string
  default     = "10.40.0.0/20"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(1[6-9]|2[0-2])$", var.cidr))
    error_message = "cidr must be an IPv4 range from /16 to /22, such as 10.40.0.0/20."
  }

  validation {
    condition     = can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.cidr))
    error_message = "cidr must lie in private address space: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
  }
}

variable "zones" {
  description = "Two or three availability zones of the region, one private subnet in each. Named, not looked up, so that a plan never moves a subnet."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3 && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must be two or three different availability zones: Aurora needs two."
  }

  validation {
    condition     = alltrue([for z in var.zones : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$", z))])
    error_message = "zones must be availability zone names such as us-east-1a."
  }
}

variable "interface_endpoints" {
  description = "AWS services that functions reach from the private subnets. Database tokens are signed locally and logs leave through Lambda itself, so Secrets Manager is all that is needed."
  type        = set(string)
  default     = ["secretsmanager"]
  nullable    = false

  validation {
    condition     = alltrue([for s in var.interface_endpoints : contains(["secretsmanager", "ssm", "kms", "lambda", "logs", "monitoring", "xray"], s)])
    error_message = "interface_endpoints may name secretsmanager, ssm, kms, lambda, logs, monitoring and xray."
  }
}

variable "endpoint_zones" {
  description = "In how many zones each interface endpoint stands. Each costs about 7 USD a month; one serves all zones but falls with its own."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.endpoint_zones >= 1 && var.endpoint_zones <= length(var.zones) && floor(var.endpoint_zones) == var.endpoint_zones
    error_message = "endpoint_zones must be a whole number from 1 to the number of zones."
  }
}

variable "nat_gateway" {
  description = "Give functions a way out to the internet through one NAT gateway (about 33 USD a month and traffic). The product calls nobody, so the default is no way out at all."
  type        = bool
  default     = false
  nullable    = false
}

variable "database_port" {
  description = "TCP port of PostgreSQL, opened from the functions to the database only."
  type        = number
  default     = 5432
  nullable    = false

  validation {
    condition     = var.database_port >= 1150 && var.database_port <= 65535
    error_message = "database_port must be from 1150 to 65535, the range RDS accepts."
  }
}

variable "flow_logs" {
  description = "Log rejected traffic. In a VPC where everything is closed each line is a fault or an attempt."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "How long flow logs are kept; one of the periods CloudWatch knows."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a period CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary that every role of the environment carries, from the bootstrap module; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy, or null."
  }
}
