include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "${dirname(find_in_parent_folders("root.hcl"))}/modules/observability"
}

dependency "network" {
  config_path = "../network"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    kms_key_arn = "arn:aws:kms:${values.region}:${values.account_id}:key/not-made-yet"
  }
}

dependency "database" {
  config_path = "../database"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    engine          = values.engine
    identifier      = values.name
    max_connections = values.max_connections
  }
}

dependency "migrator" {
  config_path = "../migrator"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    function_name = "${values.name}-migrator"
  }
}

dependency "api" {
  config_path = "../api"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    function_name  = "${values.name}-api"
    alias_name     = "live"
    log_group_name = "/aws/lambda/${values.name}-api"
  }
}

dependency "gateway" {
  config_path = "../gateway"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    api_id = "notmadeyet"
  }
}

inputs = merge(values.observability, {
  api_function_name      = dependency.api.outputs.function_name
  migrator_function_name = dependency.migrator.outputs.function_name
  alias                  = dependency.api.outputs.alias_name
  api_log_group_name     = dependency.api.outputs.log_group_name
  api_id                 = dependency.gateway.outputs.api_id
  kms_key_arn            = dependency.network.outputs.kms_key_arn
  schedule               = values.schedule

  database = {
    engine          = dependency.database.outputs.engine
    identifier      = dependency.database.outputs.identifier
    max_connections = dependency.database.outputs.max_connections
  }
})
