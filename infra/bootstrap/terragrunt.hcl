# Prepares an AWS account once: the bucket for state, GitHub's way in, the boundary of every role. A person with
# administrator rights runs it, never a workflow; ../README.md shows the commands.

locals {
  environments = split(",", get_env("ENVIRONMENTS")) # those that live in this account, such as dev,prod
  values       = [for e in local.environments : read_terragrunt_config("${get_terragrunt_dir()}/../envs/${e}/terragrunt.stack.hcl").stack.rifaapp.values]
  account      = one(distinct([for v in local.values : v.account_id]))
  region       = one(distinct([for v in local.values : v.region]))
  bucket       = "rifaapp-state-${local.account}"

  # Host names whose records the deploying role may write, of those environments that have one in Route 53.
  domains = {
    for v in local.values : v.environment => { name = v.gateway.domain.name, zone_id = v.gateway.domain.zone_id }
    if try(v.gateway.domain.zone_id, null) != null
  }

  # The first time the bucket is not there yet, so state begins in a file and moves afterwards.
  state = get_env("FIRST", "false") == "true" ? jsonencode({
    backend = "local"
    config  = { path = "${get_terragrunt_dir()}/${local.account}.tfstate" }
    }) : jsonencode({
    backend = "s3"
    config = {
      bucket       = local.bucket
      key          = "bootstrap/terraform.tfstate"
      region       = local.region
      encrypt      = true
      kms_key_id   = "arn:aws:kms:${local.region}:${local.account}:alias/rifaapp-state" # or encrypt would ask for S3's own
      use_lockfile = true
    }
  })
}

terraform {
  source            = "${get_terragrunt_dir()}/../modules/bootstrap"
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

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-EOT
    provider "aws" {
      region              = "${local.region}"
      allowed_account_ids = ["${local.account}"]
    }
  EOT
}

inputs = {
  account_id           = local.account
  state_bucket         = local.bucket
  environments         = local.environments
  domains              = local.domains
  create_oidc_provider = get_env("CREATE_OIDC_PROVIDER", "true") == "true"

  github = {
    repository    = get_env("GITHUB_REPOSITORY")
    repository_id = get_env("GITHUB_REPOSITORY_ID")
  }
}
