"""moto's server with what it loses put back, as AWS documents it. Each mend names the answer of AWS that decides; a mend goes
when moto has it. What cannot be mended in a few lines is a gap, named beside the test that it concerns."""

import copy
import functools

import moto.ec2.models.nat_gateways as nat_gateways
import moto.ec2.models.security_groups as security_groups
import moto.ec2.models.vpcs as vpcs
from moto.ec2.utils import tag_filter_matches
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


def nat_gateways_by_their_tags():
    """DescribeNatGateways has the filter `tag:<key>`; moto takes it and does not look at it."""
    backend = nat_gateways.NatGatewayBackend
    described = backend.describe_nat_gateways

    def describe(self, filters, nat_gateway_ids):
        found = described(self, filters, nat_gateway_ids)
        wanted = {key: values for key, values in (filters or {}).items() if key.startswith("tag:")}
        return [one for one in found if all(tag_filter_matches(one, key, values) for key, values in wanted.items())]

    backend.describe_nat_gateways = describe


def nat_gateways_let_go_of_their_address():
    """DeleteNatGateway: "Deleting a public NAT gateway disassociates its Elastic IP address", which another may have then.
    Its network interface goes too."""
    backend = nat_gateways.NatGatewayBackend
    deleted = backend.delete_nat_gateway

    def delete(self, nat_gateway_id):
        gone = deleted(self, nat_gateway_id)
        for address in self.addresses:
            if address.eni is not None and address.eni.id == gone._eni.id:
                address.eni, address.association_id = None, None
        self.enis.pop(gone._eni.id, None)
        return gone

    backend.delete_nat_gateway = delete


def routes_of_gateway_endpoints_that_change():
    """ModifyVpcEndpoint adds and removes the route tables of a gateway endpoint, and with them its routes ("the endpoint route
    is automatically added" and deleted: Gateway endpoints, VPC guide). moto keeps the ids alone, and then cannot delete it."""
    backend = vpcs.VPCBackend
    modified = backend.modify_vpc_endpoint

    def modify(self, vpc_id, add_route_tables=None, remove_route_tables=None, **rest):
        endpoint = self.describe_vpc_endpoints(vpc_end_point_ids=[vpc_id])[0]
        before = set(endpoint.route_table_ids or [])
        modified(self, vpc_id=vpc_id, add_route_tables=add_route_tables, remove_route_tables=remove_route_tables, **rest)
        after, to = set(endpoint.route_table_ids or []), endpoint.destination_prefix_list_id
        for table in after - before if to else []:
            self.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=to)
        for table in before - after if to else []:
            self.delete_route(table, to)

    backend.modify_vpc_endpoint = modify


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
    nat_gateways_by_their_tags()
    nat_gateways_let_go_of_their_address()
    routes_of_gateway_endpoints_that_change()
    main()
