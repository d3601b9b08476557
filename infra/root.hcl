# What every unit shares: where its state lies, how it speaks to AWS, what each module is told. An environment's own
# values are in envs/<environment>; they reach a unit through the stack.

locals {
  values  = read_terragrunt_config("${get_terragrunt_dir()}/terragrunt.values.hcl")
  account = local.values.account_id
  region  = local.values.region

  # RIFAAPP_INFRA_OFFLINE=true plans a whole environment without an account: keys that open nothing, nobody asked who
  # they belong to, state in a file beside the unit. Nothing can be applied that way.
  offline = get_env("RIFAAPP_INFRA_OFFLINE", "false") == "true"

  offline_provider = <<-EOT
    access_key                  = "offline"
    secret_key                  = "offline"
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
  EOT

  # One bucket for each account, made by infra/bootstrap, as is the key: without its name, encrypt asks for S3's own, which
  # wins over the bucket's. The lock is a file beside the state.
  state = local.offline ? jsonencode({
    backend = "local"
    config  = { path = "${get_terragrunt_dir()}/offline.tfstate" }
    }) : jsonencode({
    backend = "s3"
    config = {
      bucket       = "rifaapp-state-${local.account}"
      key          = "${local.values.environment}/${basename(get_terragrunt_dir())}/terraform.tfstate"
      region       = local.region
      encrypt      = true
      kms_key_id   = "arn:aws:kms:${local.region}:${local.account}:alias/rifaapp-state"
      use_lockfile = true
    }
  })
}

# Terraform would read a module's tests, which lean on files that stay behind.
terraform {
  exclude_from_copy = ["tests"]
}

terraform_binary              = "terraform"
terraform_version_constraint  = ">= 1.11"
terragrunt_version_constraint = ">= 1.0"

remote_state {
  backend = jsondecode(local.state).backend
  config  = jsondecode(local.state).config

  generate = {
    path      = "backend.tf"
    if_exists = "overwrite_terragrunt"
  }
}

# The wrong account is refused before anything is read from it.
generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-EOT
    provider "aws" {
      region = "${local.region}"
      ${indent(2, local.offline ? local.offline_provider : "allowed_account_ids = [\"${local.account}\"]")}

      default_tags {
        tags = {
          "rifaapp:environment" = "${local.values.environment}"
          "rifaapp:unit"        = "${basename(get_terragrunt_dir())}"
        }
      }
    }
  EOT
}

inputs = {
  name                     = local.values.name
  account_id               = local.account
  log_retention_days       = local.values.log_retention_days
  permissions_boundary_arn = "arn:aws:iam::${local.account}:policy/rifaapp-boundary-${local.values.environment}"
}
