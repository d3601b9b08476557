include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "${dirname(find_in_parent_folders("root.hcl"))}/modules/lambda"
}

dependency "network" {
  config_path = "../network"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    private_subnet_ids          = ["subnet-00000000000000001", "subnet-00000000000000002"]
    functions_security_group_id = "sg-00000000000000002"
    kms_key_arn                 = "arn:aws:kms:${values.region}:${values.account_id}:key/not-made-yet"
  }
}

dependency "database" {
  config_path = "../database"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    host            = "not-made-yet.rds.amazonaws.com"
    read_host       = null
    port            = 5432
    database_name   = "rifaapp"
    max_connections = values.max_connections
    roles           = { app = "rifaapp_app" }
    user_arns = {
      app = "arn:aws:rds-db:${values.region}:${values.account_id}:dbuser:cluster-NOTMADEYET/rifaapp_app"
    }
  }
}

dependency "migrator" {
  config_path = "../migrator"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    reserved_connections = 2
  }
}

inputs = merge(values.api, {
  name        = "${values.name}-api"
  description = "Serves the API of ${values.name}"
  zip_path    = "../../../${path_relative_from_include("root")}/../dist/rifaapp-lambda-arm64.zip" # seen from where Terraform runs
  secrets     = { JWT_KEYS = "jwt-keys" }

  database = {
    host            = dependency.database.outputs.host
    read_host       = dependency.database.outputs.read_host
    port            = dependency.database.outputs.port
    name            = dependency.database.outputs.database_name
    max_connections = dependency.database.outputs.max_connections
    user            = dependency.database.outputs.roles.app
    user_arn        = dependency.database.outputs.user_arns.app
  }

  connections_elsewhere = dependency.migrator.outputs.reserved_connections
  secret_prefix         = values.name
  subnet_ids            = dependency.network.outputs.private_subnet_ids
  security_group_id     = dependency.network.outputs.functions_security_group_id
  kms_key_arn           = dependency.network.outputs.kms_key_arn
})
