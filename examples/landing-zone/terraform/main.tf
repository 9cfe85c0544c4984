# Terraform: the landing zone's stack in the account and Region of this provider configuration. The template is the one of
# `make landing-zone`; it and its package lie in the buckets: docs/how-to/other-landing-zones.md.

variable "code_bucket_prefix" {
  type        = string
  description = "The buckets with the package are called this, a hyphen, and the Region"
}

variable "code_key" {
  type        = string
  description = "Name of the package, as `make landing-zone` prints it"
}

data "aws_region" "here" {}

variable "code_sha256" {
  type        = string
  description = "Hash of the package, as `make landing-zone` prints it"
}

resource "aws_cloudformation_stack" "landing_zone_logs" {
  name = "landing-zone-logs"
  # Longer than the text that CloudFormation takes: it lies beside the package.
  template_url = "https://${var.code_bucket_prefix}-${data.aws_region.here.region}.s3.${data.aws_region.here.region}.amazonaws.com/template.yaml"
  capabilities = ["CAPABILITY_IAM"]

  parameters = {
    CodeBucketPrefix = var.code_bucket_prefix
    CodeKey          = var.code_key
    CodeSha256       = var.code_sha256
  }

  # A fleet takes up to an hour. Terraform would give up after 30 minutes.
  timeouts {
    create = "90m"
    update = "90m"
    delete = "90m"
  }
}

# For log groups that Terraform itself manages, in another configuration: a key in `kms_key_id` is Terraform's, and the two
# tools would undo each other's work. Either let the fleet have them and ignore the change, or exclude them from the fleet.
resource "aws_cloudwatch_log_group" "orders" {
  name              = "/aws/lambda/orders"
  retention_in_days = 365

  lifecycle {
    # The key is the fleet's, and so are the tags that it writes.
    ignore_changes = [
      kms_key_id,
      tags["log-group-kms-association:owner"],
      tags["log-group-kms-association:previous-key"],
      tags["log-group-kms-association:scope"],
    ]
  }
}
