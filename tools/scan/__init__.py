"""Scans both templates with checkov and with AWS's own rules for cfn-guard: `make scan`.

A finding is either mended, or suppressed in the template's metadata with a reason: `checkov.skip` as checkov reads it,
and `guard.SuppressedRules` as the rules of AWS's registry read it, with a sentence for each rule in `guard.Reasons`. A
suppression without a reason is a finding, and so is one that silences nothing.
"""
