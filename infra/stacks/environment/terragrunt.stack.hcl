# A whole environment on one page. Below the first unit each stands on those above it; how they are wired is in
# infra/units, what an environment chooses in infra/envs/<environment>.

locals {
  units = "${dirname(find_in_parent_folders("root.hcl"))}/units"

  everywhere = {
    environment        = values.environment
    name               = "rifaapp-${values.environment}" # begins the name of everything that has one; what the deploying role may touch beyond it is in ../../README.md
    account_id         = values.account_id
    region             = values.region
    log_retention_days = values.log_retention_days
  }
}

# VPC, private subnets, security groups, endpoints, the key that encrypts everything below.
unit "network" {
  source = "${local.units}/network"
  path   = "network"
  values = merge(local.everywhere, { network = values.network })
}

# PostgreSQL: Aurora Serverless v2, or one plain RDS server.
unit "database" {
  source = "${local.units}/database"
  path   = "database"
  values = merge(local.everywhere, { production = values.production, database = values.database })
}

# The function that deploys migrations.
unit "migrator" {
  source = "${local.units}/migrator"
  path   = "migrator"
  values = merge(local.everywhere, { max_connections = values.database.max_connections, migrator = values.migrator })
}

# The function that answers requests, and is called by the clock to tidy up.
unit "api" {
  source = "${local.units}/api"
  path   = "api"
  values = merge(local.everywhere, { max_connections = values.database.max_connections, api = values.api })
}

# The HTTP API: one route for each operation of the OpenAPI document, the migrations route behind IAM.
unit "gateway" {
  source = "${local.units}/gateway"
  path   = "gateway"
  values = merge(local.everywhere, { gateway = values.gateway })
}

# Alarms, the canary's alarm, the dashboard.
unit "observability" {
  source = "${local.units}/observability"
  path   = "observability"
  values = merge(local.everywhere, {
    engine          = values.database.engine
    max_connections = values.database.max_connections
    schedule        = try(values.api.schedule, null)
    observability   = values.observability
  })
}
