include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "${dirname(find_in_parent_folders("root.hcl"))}/modules/database"
}

dependency "network" {
  config_path = "../network"

  mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]
  mock_outputs_merge_strategy_with_state  = "shallow"
  mock_outputs = {
    private_subnet_ids         = ["subnet-00000000000000001", "subnet-00000000000000002"]
    database_security_group_id = "sg-00000000000000001"
    kms_key_arn                = "arn:aws:kms:${values.region}:${values.account_id}:key/not-made-yet"
  }
}

inputs = merge(values.database, {
  production        = values.production
  subnet_ids        = dependency.network.outputs.private_subnet_ids
  security_group_id = dependency.network.outputs.database_security_group_id
  kms_key_arn       = dependency.network.outputs.kms_key_arn
})
