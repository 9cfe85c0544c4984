"""What other tools know of the properties: a JSON schema, cfn-lint's rules, cfn-guard's rules.

All of it is made from the tables `request.properties` and `lifecycle.return_values`. A new row needs nothing here.
"""
