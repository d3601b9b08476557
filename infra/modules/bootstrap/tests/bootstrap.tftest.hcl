mock_provider "aws" {
  source = "../testing"
}

variables {
  account_id   = "123456789012"
  state_bucket = "rifaapp-state-123456789012"
  environments = ["dev", "prod"]
  github       = { repository = "rifaapp/rifaapp", repository_id = "424242" }
}

# Planned only: the bucket and its key refuse to be destroyed, also at the end of a test.
run "an_account_ready_for_deployments" {
  command = plan

  override_resource {
    target          = aws_kms_key.state
    override_during = plan
    values          = { arn = "arn:aws:kms:us-east-1:123456789012:key/state" }
  }

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "Overwritten state must come back."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/state" && aws_kms_key.state.enable_key_rotation
    error_message = "State must be encrypted under a key of its own that rotates."
  }

  assert {
    condition = (aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.block_public_policy
    && aws_s3_bucket_public_access_block.state.ignore_public_acls && aws_s3_bucket_public_access_block.state.restrict_public_buckets)
    error_message = "State must never be public."
  }

  assert {
    condition     = keys(output.deploy_role_arns) == ["dev", "prod"] && keys(output.plan_role_arns) == ["dev", "prod"]
    error_message = "Each environment must get a role that deploys and one that plans."
  }

  assert {
    condition     = alltrue([for r in concat(values(aws_iam_role.deploy), values(aws_iam_role.plan)) : r.path == "/github/"])
    error_message = "The roles must stand apart from those of the environments, so that none can change itself."
  }

  assert {
    condition = (keys(aws_iam_role_policy_attachment.deploy) == [for pair in setproduct(["dev", "prod"], ["data", "network", "read", "services", "state"]) : join("-", pair)]
    && keys(aws_iam_role_policy_attachment.plan) == ["dev-plan-state", "dev-read", "prod-plan-state", "prod-read"])
    error_message = "Planning must read, and write nothing."
  }

  assert {
    condition = alltrue([
      for s in concat(data.aws_iam_policy_document.find_state.statement, data.aws_iam_policy_document.plan_state["dev"].statement) :
      length(setintersection(s.actions, ["s3:PutObject", "s3:DeleteObject", "kms:Encrypt", "kms:GenerateDataKey"])) == 0
    ])
    error_message = "Who plans may write neither the state nor the lock beside it."
  }

  assert {
    condition = anytrue([
      for s in data.aws_iam_policy_document.plan_state["dev"].statement :
      contains(s.actions, "s3:GetObject") && toset(s.resources) == toset(["arn:aws:s3:::rifaapp-state-123456789012/dev/*"])
    ])
    error_message = "Who plans must read the state of its environment and of no other."
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "The provider must be GitHub's, for AWS's audience."
  }

  assert {
    condition = (output.state_bucket == "rifaapp-state-123456789012" && keys(output.permissions_boundary_arns) == ["dev", "prod"]
    && { for e, p in aws_iam_policy.boundary : e => p.name } == { dev = "rifaapp-boundary-dev", prod = "rifaapp-boundary-prod" })
    error_message = "The outputs must name the bucket and each environment's boundary."
  }

  assert {
    condition = aws_kms_alias.state.name == "alias/rifaapp-state" && alltrue([
      for action, statements in {
        "kms:Decrypt"         = data.aws_iam_policy_document.find_state.statement
        "kms:GenerateDataKey" = data.aws_iam_policy_document.state["dev"].statement
      } : anytrue([for s in statements : contains(s.actions, action) && toset(s.resources) == toset([aws_kms_key.state.arn])])
    ])
    error_message = "State is read under the key by the name that root.hcl gives to Terraform, and written by whoever deploys."
  }

  assert {
    condition     = aws_kms_key.state.tags == tomap({ "rifaapp:environment" = "bootstrap" })
    error_message = "The key of the state must be no environment's, or the first to tag it could manage it."
  }
}

run "a_host_name_of_its_own" {
  command = plan

  variables {
    domains = { dev = { name = "api.rifa.example", zone_id = "Z0123456789" } }
  }

  assert {
    condition = [
      for s in data.aws_iam_policy_document.services["dev"].statement :
      { on = tolist(s.resources), where = { for c in s.condition : c.variable => "${c.test} ${join(" ", sort(c.values))}" } }
      if contains(s.actions, "route53:ChangeResourceRecordSets")
      ] == [{
        on = tolist(["arn:aws:route53:::hostedzone/Z0123456789"])
        where = {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames" = "ForAllValues:StringEquals api.rifa.example"
          "route53:ChangeResourceRecordSetsRecordTypes"           = "ForAllValues:StringEquals A AAAA"
        }
    }]
    error_message = "Who deploys dev must be able to write the A and AAAA records of its name, and no other record of the zone."
  }

  assert {
    condition     = alltrue([for s in data.aws_iam_policy_document.services["prod"].statement : !anytrue([for a in s.actions : startswith(a, "route53:")])])
    error_message = "Who deploys an environment without a name must write no record at all."
  }
}

run "shares_a_provider_that_exists" {
  command = plan

  variables {
    create_oidc_provider = false
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account holds one provider for an issuer."
  }
}

run "refuses_what_is_no_name_or_number" {
  command = plan

  variables {
    account_id               = "12345"
    prefix                   = "Rifa-App"
    state_bucket             = "Rifa_State"
    state_versions_kept_days = 1
    github                   = { repository = "rifaapp", repository_id = "rifaapp" }
    environments             = ["Prod!"]
  }

  expect_failures = [var.account_id, var.prefix, var.state_bucket, var.state_versions_kept_days, var.github, var.environments]
}

run "refuses_environments_that_begin_alike" {
  command = plan

  variables {
    environments = ["dev", "dev2"]
  }

  expect_failures = [var.environments]
}

run "refuses_an_environment_called_as_the_accounts_own" {
  command = plan

  variables {
    environments = ["dev", "bootstrap"]
  }

  expect_failures = [var.environments]
}

run "refuses_a_domain_that_is_a_pattern" {
  command = plan

  variables {
    domains = { dev = { name = "*.rifa.example", zone_id = "Z0123456789" } }
  }

  expect_failures = [var.domains]
}

run "refuses_a_zone_that_is_no_id" {
  command = plan

  variables {
    domains = { dev = { name = "api.rifa.example", zone_id = "rifa.example" } }
  }

  expect_failures = [var.domains]
}

run "refuses_a_domain_of_an_environment_elsewhere" {
  command = plan

  variables {
    domains = { test = { name = "api.rifa.example", zone_id = "Z0123456789" } }
  }

  expect_failures = [var.domains]
}
