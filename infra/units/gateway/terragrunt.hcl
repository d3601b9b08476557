include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "${dirname(find_in_parent_folders("root.hcl"))}/modules/api_gateway"
}

locals {
  lambda = "arn:aws:apigateway:${values.region}:lambda:path/2015-03-31/functions/arn:aws:lambda:${values.region}:${values.account_id}:function"
}

dependency "network" {
  config_path = "../network"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    kms_key_arn = "arn:aws:kms:${values.region}:${values.account_id}:key/not-made-yet"
  }
}

dependency "api" {
  config_path = "../api"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    function_name = "${values.name}-api"
    alias_name    = "live"
    invoke_arn    = "${local.lambda}:${values.name}-api:live/invocations"
  }
}

dependency "migrator" {
  config_path = "../migrator"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    function_name = "${values.name}-migrator"
    alias_name    = "live"
    invoke_arn    = "${local.lambda}:${values.name}-migrator:live/invocations"
  }
}

inputs = merge(values.gateway, {
  openapi_path = "../../../${path_relative_from_include("root")}/../app/httpapi/openapi.yaml" # seen from where Terraform runs
  kms_key_arn  = dependency.network.outputs.kms_key_arn

  api_function = {
    name       = dependency.api.outputs.function_name
    alias      = dependency.api.outputs.alias_name
    invoke_arn = dependency.api.outputs.invoke_arn
  }

  migrator_function = {
    name       = dependency.migrator.outputs.function_name
    alias      = dependency.migrator.outputs.alias_name
    invoke_arn = dependency.migrator.outputs.invoke_arn
  }
})
