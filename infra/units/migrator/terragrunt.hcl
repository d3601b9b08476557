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
    port            = 5432
    database_name   = "rifaapp"
    max_connections = values.max_connections
    roles           = { migrator = "rifaapp_migrator" }
    user_arns = {
      migrator = "arn:aws:rds-db:${values.region}:${values.account_id}:dbuser:cluster-NOTMADEYET/rifaapp_migrator"
    }
  }
}

inputs = merge(values.migrator, {
  name        = "${values.name}-migrator"
  description = "Deploys the migrations of ${values.name}"
  zip_path    = "../../../${path_relative_from_include("root")}/../dist/rifaapp-lambda-arm64.zip" # seen from where Terraform runs

  database = {
    host            = dependency.database.outputs.host
    port            = dependency.database.outputs.port
    name            = dependency.database.outputs.database_name
    max_connections = dependency.database.outputs.max_connections
    user            = dependency.database.outputs.roles.migrator
    user_arn        = dependency.database.outputs.user_arns.migrator
  }

  # It answers over HTTP too, but issues no tokens that anybody accepts: its keys are its own.
  secrets           = { JWT_KEYS = "migrator-jwt-keys" }
  secret_prefix     = values.name
  subnet_ids        = dependency.network.outputs.private_subnet_ids
  security_group_id = dependency.network.outputs.functions_security_group_id
  kms_key_arn       = dependency.network.outputs.kms_key_arn
})
