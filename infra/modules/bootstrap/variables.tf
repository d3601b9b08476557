variable "account_id" {
  description = "Id of the AWS account that is prepared."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "prefix" {
  description = "First part of every name the roles may touch."
  type        = string
  default     = "rifaapp"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,14}$", var.prefix))
    error_message = "prefix must be 2 to 15 lower-case letters or digits, starting with a letter."
  }
}

variable "state_bucket" {
  description = "Name of the bucket that holds Terraform state; root.hcl reckons the same name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket must be 3 to 63 lower-case letters, digits or hyphens."
  }
}

variable "state_versions_kept_days" {
  description = "Days for which overwritten state can be brought back."
  type        = number
  default     = 180
  nullable    = false

  validation {
    condition     = var.state_versions_kept_days >= 30 && var.state_versions_kept_days <= 3650
    error_message = "state_versions_kept_days must be from 30 to 3650."
  }
}

variable "github" {
  description = "The repository whose workflows may take the roles: owner/name, and its numeric id (gh api repos/OWNER/NAME --jq .id), which a renamed or re-made repository does not share."
  type = object({
    repository    = string
    repository_id = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository must be owner/name."
  }

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.github.repository_id))
    error_message = "github.repository_id must be the repository's number: gh api repos/OWNER/NAME --jq .id"
  }
}

variable "environments" {
  description = "Environments that live in this account, such as dev. Each gets a role that deploys, for GitHub's environment of the same name, and one that only reads, for ENV-plan."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.environments) > 0 && alltrue([for e in var.environments : can(regex("^[a-z][a-z0-9]{1,9}$", e))])
    error_message = "environments must be one or more names of 2 to 10 lower-case letters or digits."
  }

  validation {
    condition     = alltrue(flatten([for a in var.environments : [for b in var.environments : a == b || !startswith(a, b)]]))
    error_message = "No environment's name may begin with another's: what one may touch is known by how names begin."
  }

  validation {
    condition     = !anytrue([for e in var.environments : startswith("bootstrap", e) || startswith("state", e)])
    error_message = "No environment may be called bootstrap or state, or by how these begin: so are state and key of the account itself, and the environment could change them."
  }
}

variable "domains" {
  description = "By environment, the host name of its gateway and the zone of Route 53 in this account that holds it: the role that deploys may write the name's A and AAAA records there. None for environments without a name of their own."
  type = map(object({
    name    = string
    zone_id = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.domains), var.environments)) == 0
    error_message = "domains must be of environments that are prepared here."
  }

  validation {
    condition     = alltrue([for d in values(var.domains) : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", d.name))])
    error_message = "The name of a domain must be a host name in lower case such as api.rifa.example."
  }

  validation {
    condition     = alltrue([for d in values(var.domains) : can(regex("^Z[A-Z0-9]{1,31}$", d.zone_id))])
    error_message = "The zone_id of a domain must be the id of a hosted zone, such as Z1D633PJN98FT9."
  }
}

variable "create_oidc_provider" {
  description = "Make the provider for GitHub's tokens. An account holds one; false where it is there already."
  type        = bool
  default     = true
  nullable    = false
}
