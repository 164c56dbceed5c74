"""moto's server with what it loses put back, as AWS documents it. Each mend names the answer of AWS that decides; a mend goes
when moto has it. What cannot be mended in a few lines is a gap, named beside the test that it concerns."""

import copy
import functools

import moto.ec2.models.security_groups as security_groups
from moto.iam.models import IAMBackend
from moto.server import main


def keep_descriptions_of_prefix_lists():
    """DescribeSecurityGroups gives the description of a rule that names a prefix list (EC2's PrefixListId has one)."""
    rule = security_groups.SecurityGroupRule
    made = rule.__init__

    def init(self, *args, **kwargs):
        made(self, *args, **kwargs)
        named = kwargs.get("prefix_list_id") or (args[7] if len(args) > 7 else None)
        if named and named.get("Description"):
            self.prefix_list_description = named["Description"]

    rule.__init__ = init
    group = security_groups.SecurityGroup
    folded = group._flattened_rules

    def flattened(self, rules):
        views = folded(self, rules)
        for one in rules:
            text = getattr(one, "prefix_list_description", None)
            for view in views:
                same = (view.from_port, view.to_port, view.ip_protocol) == (one.from_port, one.to_port, one.ip_protocol)
                for entry in view.prefix_list_ids if text and same else []:
                    if entry["PrefixListId"] == one.prefix_list_id:
                        entry["Description"] = text
        return views

    group._flattened_rules = flattened


def revoke_whatever_the_description():
    """RevokeSecurityGroupIngress: "If the security group rule has a description, you do not need to specify the description to
    revoke the rule." moto wants it where the rule names a group."""
    rule = security_groups.SecurityGroupRule
    compared = rule.__eq__

    def bare(group):
        return {key: value for key, value in group.items() if key != "Description"}

    def equal(self, other):
        own, others = self.source_group, other.source_group
        self.source_group, other.source_group = bare(own), bare(others)
        try:
            return compared(self, other)
        finally:
            self.source_group, other.source_group = own, others

    rule.__eq__ = equal


def read_managed_policies_once():
    """No mend but speed: AWS's 1,500 managed policies are read from their file once, and not again at each reset."""
    read = IAMBackend._init_aws_policies

    @functools.cache
    def policies(account_id, region_name):
        bare = object.__new__(IAMBackend)
        bare.account_id, bare.region_name = account_id, region_name
        return read(bare)

    # How often a policy is attached is kept in it, so each backend has copies.
    IAMBackend._init_aws_policies = lambda self: [copy.copy(one) for one in policies(self.account_id, self.region_name)]


if __name__ == "__main__":
    read_managed_policies_once()
    revoke_whatever_the_description()
    keep_descriptions_of_prefix_lists()
    main()
