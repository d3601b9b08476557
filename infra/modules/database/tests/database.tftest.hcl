mock_provider "aws" {
  source = "../testing"
}

variables {
  name              = "rifaapp-test"
  account_id        = "123456789012"
  production        = false
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-database"
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/test"
}

run "aurora_for_development" {
  assert {
    condition     = aws_rds_cluster.this[0].engine_version == "15" && aws_rds_cluster_parameter_group.this[0].family == "aurora-postgresql15"
    error_message = "The default is the newest minor of the version that the tests run on: a minor named here could not be made a year later."
  }

  assert {
    condition     = aws_rds_cluster.this[0].engine == "aurora-postgresql" && aws_rds_cluster_instance.this[0].instance_class == "db.serverless" && length(aws_rds_cluster_instance.this) == 1
    error_message = "The default is one Serverless v2 writer."
  }

  assert {
    condition = (aws_rds_cluster.this[0].storage_encrypted && aws_rds_cluster.this[0].kms_key_id == var.kms_key_arn
      && aws_rds_cluster.this[0].iam_database_authentication_enabled && aws_rds_cluster.this[0].manage_master_user_password
    && aws_rds_cluster.this[0].master_user_secret_kms_key_id == var.kms_key_arn)
    error_message = "Storage and the managed master secret must be under our key, and roles must sign in by token."
  }

  assert {
    condition     = !aws_rds_cluster_instance.this[0].publicly_accessible && aws_rds_cluster.this[0].vpc_security_group_ids == toset(["sg-database"])
    error_message = "The database must not be reachable from outside."
  }

  assert {
    condition     = { for p in aws_rds_cluster_parameter_group.this[0].parameter : p.name => p.value }["rds.force_ssl"] == "1"
    error_message = "The server must refuse connections without TLS."
  }

  assert {
    condition     = { for p in aws_rds_cluster_parameter_group.this[0].parameter : p.name => p.value }["max_connections"] == "720" && output.max_connections == 720
    error_message = "max_connections must be 180 for each of the 4 capacity units, in the server and in the output alike."
  }

  assert {
    condition     = !aws_rds_cluster.this[0].deletion_protection && aws_rds_cluster.this[0].skip_final_snapshot && aws_rds_cluster.this[0].backup_retention_period == 7
    error_message = "Outside production the cluster can be destroyed without a trace, and is backed up all the same."
  }

  assert {
    condition     = output.host == "writer.mocked.us-east-1.rds.amazonaws.com" && output.read_host == null && output.identifier == "rifaapp-test"
    error_message = "Without readers there is one address."
  }

  assert {
    condition     = output.user_arns["app"] == "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-MOCKED/rifaapp_app"
    error_message = "A role signs in to this cluster as itself and as nobody else."
  }

  assert {
    condition     = output.master_secret_arn == "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-mocked"
    error_message = "The master secret must be the one that RDS made."
  }

  assert {
    condition     = aws_cloudwatch_log_group.postgresql.name == "/aws/rds/cluster/rifaapp-test/postgresql" && aws_cloudwatch_log_group.postgresql.kms_key_id == var.kms_key_arn
    error_message = "The server's log must be the group RDS writes to, encrypted."
  }

  assert {
    condition     = contains([for p in aws_rds_cluster_parameter_group.this[0].parameter : "${p.name}=${p.value}"], "log_min_error_statement=fatal")
    error_message = "Refused buyers must not fill the server's log with their statements."
  }
}

run "aurora_for_production" {
  variables {
    production   = true
    reader_count = 1
  }

  assert {
    condition     = aws_rds_cluster.this[0].deletion_protection && !aws_rds_cluster.this[0].skip_final_snapshot && aws_rds_cluster.this[0].final_snapshot_identifier == "rifaapp-test-final" && !aws_rds_cluster.this[0].apply_immediately
    error_message = "Production must be protected from deletion, leave a snapshot and change in the maintenance window."
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 2 && alltrue([for i in aws_rds_cluster_instance.this : i.promotion_tier == 1])
    error_message = "A reader stands ready to take over."
  }

  assert {
    condition     = output.read_host == "reader.mocked.us-east-1.rds.amazonaws.com"
    error_message = "With a reader there must be an address to read from."
  }

  assert {
    condition     = endswith(output.user_arns["app"], ":dbuser:cluster-MOCKED/rifaapp_app") && endswith(output.user_arns["migrator"], ":dbuser:cluster-MOCKED/rifaapp_migrator")
    error_message = "Both roles sign in at the server."
  }
}

run "plain_rds_for_small_budgets" {
  variables {
    engine = "rds"
  }

  assert {
    condition     = length(aws_rds_cluster.this) == 0 && aws_db_instance.this[0].instance_class == "db.t4g.micro" && !aws_db_instance.this[0].multi_az
    error_message = "engine = rds makes one small server and no cluster."
  }

  assert {
    condition = (aws_db_instance.this[0].storage_encrypted && !aws_db_instance.this[0].publicly_accessible
    && aws_db_instance.this[0].iam_database_authentication_enabled && aws_db_instance.this[0].manage_master_user_password)
    error_message = "The small server must be as closed as the large one."
  }

  assert {
    condition     = output.host == "server.mocked.us-east-1.rds.amazonaws.com" && output.max_connections == 80 && output.engine == "rds"
    error_message = "Its address and its connections must come out."
  }
}

run "pauses_at_zero" {
  command = plan

  variables {
    capacity = { min = 0, max = 2 }
  }

  assert {
    condition     = aws_rds_cluster.this[0].serverlessv2_scaling_configuration[0].min_capacity == 0 && aws_rds_cluster.this[0].serverlessv2_scaling_configuration[0].seconds_until_auto_pause == 900
    error_message = "capacity.min = 0 lets an idle cluster pause."
  }
}

run "refuses_what_is_no_name_or_number" {
  command = plan

  variables {
    name                  = "rifaapp--test"
    account_id            = "12345"
    engine                = "mysql"
    engine_version        = "12.1"
    database_name         = "Rifa App"
    master_username       = "postgres"
    subnet_ids            = ["subnet-1"]
    security_group_id     = "database"
    kms_key_arn           = "alias/rifaapp"
    instance              = { class = "t4g.micro", storage_gib = 5 }
    backup_retention_days = 0
    log_retention_days    = 8
  }

  expect_failures = [
    var.name, var.account_id, var.engine, var.engine_version, var.database_name, var.master_username, var.subnet_ids,
    var.security_group_id, var.kms_key_arn, var.instance, var.backup_retention_days, var.log_retention_days,
  ]
}

run "takes_a_minor_version" {
  command   = plan
  state_key = "another_server" # one that is there already keeps its version

  variables {
    engine         = "rds"
    engine_version = "15.18"
  }

  assert {
    condition     = aws_db_instance.this[0].engine_version == "15.18" && aws_db_parameter_group.this[0].family == "postgres15"
    error_message = "A minor version must be taken, and the parameters be its major's."
  }
}

run "refuses_a_version_whose_administrator_could_not_sign_in" {
  command = plan

  variables {
    engine_version = "16"
  }

  expect_failures = [var.engine_version]
}

run "refuses_a_production_that_sleeps_or_forgets" {
  command = plan

  variables {
    production            = true
    capacity              = { min = 0, max = 2 }
    backup_retention_days = 1
  }

  expect_failures = [var.capacity, var.backup_retention_days]
}

run "refuses_uneven_capacity_and_impossible_readers" {
  command = plan

  variables {
    engine       = "rds"
    capacity     = { min = 0.7, max = 2 }
    reader_count = 1
  }

  expect_failures = [var.capacity, var.reader_count]
}

run "refuses_more_connections_than_memory_carries" {
  command = plan

  variables {
    capacity        = { min = 0.5, max = 1 }
    max_connections = 1000
  }

  expect_failures = [var.max_connections]
}
