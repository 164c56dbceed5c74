//! `iam.role` in AWS: two calls for all roles of a stack, and a handful for one.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::iam::role::{Out, Role, Spec, path_of};
use aws_sdk_iam::types::{self as sdk, EntityType};

use super::{document, json, tag_map, tags};
use crate::Aws;
use crate::fault::{fault, lacks};

const GET: &str = "iam:GetRole";
const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

/// The most that IAM gives in one page; the default is a tenth.
const PAGE: i32 = 1000;

impl Provider<Role> for Aws {
    /// `GetAccountAuthorizationDetails` tells everything of all roles but description and session time, which `ListRoles`
    /// has: two calls for up to a thousand roles, where asking for each takes four and more a role.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Role>>, Fault> {
        let path = path_of(&scope.stack);
        let (details, mut listed) = tokio::try_join!(self.role_details(), self.roles_below(&path))?;
        let mut found = Vec::new();
        for mut role in details {
            let owned = Owner::from_tags(&role.tags).of_stack(&scope.stack).is_some();
            if !(owned || role.path.starts_with(&path) || listing.adopted.contains(&role.name)) {
                continue;
            }
            role.rest = match listed.remove(&role.name) {
                Some(rest) => rest,
                // Adopted from another path, or made between the two calls.
                None => match self.role_alone(&role.name).await? {
                    Some(alone) => alone.rest,
                    None => continue,
                },
            };
            found.push(role.live(DETAILS)?);
        }
        Ok(found)
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Role>) -> Result<Option<Live<Role>>, Fault> {
        let name = sought.id.unwrap_or(&sought.spec.name);
        let Some(mut role) = self.role_alone(name).await? else { return Ok(None) };
        let policies = tokio::try_join!(self.attached(name), self.inline(name));
        match policies {
            Ok((attached, inline)) => (role.attached, role.inline) = (attached, inline),
            // Deleted between the calls, or so fresh that not all of IAM knows it.
            Err(fault) if fault.class == Class::NotFound => return Ok(None),
            Err(fault) => return Err(fault),
        }
        role.live(GET).map(Some)
    }

    async fn create(&self, _: &Scope, new: &New<'_, Role>) -> Result<String, Fault> {
        let action = "iam:CreateRole";
        let spec = new.spec;
        check(spec)?;
        let call = self.iam.create_role().role_name(&spec.name).path(&spec.path);
        let call = call.assume_role_policy_document(json(action, &spec.assume_role_policy)?);
        let call = call.set_description(spec.description.clone()).max_session_duration(spec.max_session_duration);
        let call = call.set_permissions_boundary(spec.permissions_boundary.clone());
        let call = call.set_tags(Some(tags(new.mark, &spec.tags.0)?));
        call.send().await.map_err(fault(action))?;
        Ok(spec.name.clone())
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Role>) -> Result<(), Fault> {
        let (live, to, changed) = (update.live, update.to, update.changed);
        let name = &live.id;
        check(to)?;
        // A boundary stands before anything is allowed, and falls after everything that is taken away.
        let bounded = to.permissions_boundary.as_deref();
        if let Some(boundary) = bounded.filter(|_| changed.touches("permissions_boundary")) {
            let call = self.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
            call.send().await.map_err(fault("iam:PutRolePermissionsBoundary"))?;
        }
        if changed.touches("assume_role_policy") {
            let action = "iam:UpdateAssumeRolePolicy";
            let call = self.iam.update_assume_role_policy().role_name(name);
            let call = call.policy_document(json(action, &to.assume_role_policy)?);
            call.send().await.map_err(fault(action))?;
        }
        if changed.touches("description") || changed.touches("max_session_duration") {
            // An empty description is the documented way to none.
            let call = self.iam.update_role().role_name(name).max_session_duration(to.max_session_duration);
            let call = call.description(to.description.clone().unwrap_or_default());
            call.send().await.map_err(fault("iam:UpdateRole"))?;
        }
        if changed.touches("managed_policies") || changed.touches("inline_policies") {
            self.bring_policies(&live.spec, to, name).await?;
        }
        if bounded.is_none() && changed.touches("permissions_boundary") {
            let call = self.iam.delete_role_permissions_boundary().role_name(name);
            gone_is_fine(call.send().await.map_err(fault("iam:DeleteRolePermissionsBoundary")))?;
        }
        if changed.tags() {
            let call = self.iam.tag_role().role_name(name).set_tags(Some(tags(update.mark, &to.tags.0)?));
            call.send().await.map_err(fault("iam:TagRole"))?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<Role>) -> Result<(), Fault> {
        let name = &live.id;
        // Read anew: what was attached since the plan was made would stop the deletion.
        let (attached, inline, profiles) =
            tokio::try_join!(self.attached(name), self.inline_names(name), self.profiles(name))?;
        for profile in profiles {
            let call = self.iam.remove_role_from_instance_profile().role_name(name).instance_profile_name(profile);
            gone_is_fine(call.send().await.map_err(fault("iam:RemoveRoleFromInstanceProfile")))?;
        }
        for policy in &attached {
            self.detach(name, policy).await?;
        }
        for policy in &inline {
            self.delete_inline(name, policy).await?;
        }
        self.iam.delete_role().role_name(name).send().await.map_err(fault("iam:DeleteRole"))?;
        Ok(())
    }
}

fn check(spec: &Spec) -> Result<(), Fault> {
    spec.check().map_err(|error| Fault::new(Class::Invalid, "iam:PutRolePolicy", "LimitExceeded", error.to_string()))
}

fn gone_is_fine<T>(answer: Result<T, Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if fault.class != Class::NotFound => Err(fault),
        _ => Ok(()),
    }
}

/// What `ListRoles` tells that the details lack.
#[derive(Default)]
struct Rest {
    description: Option<String>,
    max_session_duration: Option<i32>,
}

/// A role as it is put together from several answers; documents still encoded.
#[derive(Default)]
struct Parts {
    name: String,
    path: String,
    arn: Option<String>,
    trust: Option<String>,
    boundary: Option<String>,
    attached: BTreeSet<String>,
    inline: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    rest: Rest,
}

impl Parts {
    fn of_detail(detail: sdk::RoleDetail) -> Result<Self, Fault> {
        let lacks = |field: &'static str| move || lacks(DETAILS, field);
        let mut inline = BTreeMap::new();
        for policy in detail.role_policy_list.unwrap_or_default() {
            let name = policy.policy_name.ok_or_else(lacks("PolicyName"))?;
            inline.insert(name, policy.policy_document.ok_or_else(lacks("PolicyDocument"))?);
        }
        Ok(Self {
            name: detail.role_name.ok_or_else(lacks("RoleName"))?,
            path: detail.path.ok_or_else(lacks("Path"))?,
            arn: detail.arn,
            trust: detail.assume_role_policy_document,
            boundary: detail.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            attached: arns(detail.attached_managed_policies.unwrap_or_default(), DETAILS)?,
            inline,
            tags: tag_map(detail.tags.unwrap_or_default()),
            rest: Rest::default(),
        })
    }

    fn of_role(role: sdk::Role) -> Self {
        Self {
            name: role.role_name,
            path: role.path,
            arn: Some(role.arn),
            trust: role.assume_role_policy_document,
            boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            tags: tag_map(role.tags.unwrap_or_default()),
            rest: Rest { description: role.description, max_session_duration: role.max_session_duration },
            ..Self::default()
        }
    }

    fn live(self, action: &'static str) -> Result<Live<Role>, Fault> {
        let name = self.name;
        let trust = self.trust.ok_or_else(|| lacks(action, "AssumeRolePolicyDocument"))?;
        let mut inline = BTreeMap::new();
        for (policy, encoded) in self.inline {
            let read = document(action, &format!("{name}/{policy}"), &encoded)?;
            inline.insert(policy, read);
        }
        let spec = Spec {
            name: name.clone(),
            path: self.path,
            assume_role_policy: document(action, &name, &trust)?,
            description: self.rest.description.filter(|text| !text.is_empty()),
            max_session_duration: self.rest.max_session_duration.ok_or_else(|| lacks(action, "MaxSessionDuration"))?,
            permissions_boundary: self.boundary,
            managed_policies: self.attached,
            inline_policies: inline,
            tags: Tags(foreign_tags(&self.tags)),
        };
        let out = Out { name: name.clone(), arn: self.arn.ok_or_else(|| lacks(action, "Arn"))? };
        Ok(Live { id: name, spec, out, owner: Owner::from_tags(&self.tags), phase: Phase::Ready })
    }
}

fn arns(attached: Vec<sdk::AttachedPolicy>, action: &'static str) -> Result<BTreeSet<String>, Fault> {
    attached.into_iter().map(|policy| policy.policy_arn.ok_or_else(|| lacks(action, "PolicyArn"))).collect()
}

impl Aws {
    /// All roles of the account, with their policies.
    async fn role_details(&self) -> Result<Vec<Parts>, Fault> {
        let call = self.iam.get_account_authorization_details().filter(EntityType::Role).max_items(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for detail in page.map_err(fault(DETAILS))?.role_detail_list.unwrap_or_default() {
                found.push(Parts::of_detail(detail)?);
            }
        }
        Ok(found)
    }

    /// Description and session time of the roles below a path, by name.
    async fn roles_below(&self, path: &str) -> Result<BTreeMap<String, Rest>, Fault> {
        let mut pages = self.iam.list_roles().path_prefix(path).max_items(PAGE).into_paginator().send();
        let mut found = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for role in page.map_err(fault("iam:ListRoles"))?.roles {
                let role = Parts::of_role(role);
                found.insert(role.name, role.rest);
            }
        }
        Ok(found)
    }

    /// One role without its policies.
    async fn role_alone(&self, name: &str) -> Result<Option<Parts>, Fault> {
        match self.iam.get_role().role_name(name).send().await.map_err(fault(GET)) {
            Ok(answer) => Ok(Some(Parts::of_role(answer.role.ok_or_else(|| lacks(GET, "Role"))?))),
            Err(fault) if fault.class == Class::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn attached(&self, name: &str) -> Result<BTreeSet<String>, Fault> {
        let action = "iam:ListAttachedRolePolicies";
        let mut pages = self.iam.list_attached_role_policies().role_name(name).max_items(PAGE).into_paginator().send();
        let mut found = BTreeSet::new();
        while let Some(page) = pages.next().await {
            found.extend(arns(page.map_err(fault(action))?.attached_policies.unwrap_or_default(), action)?);
        }
        Ok(found)
    }

    async fn inline_names(&self, name: &str) -> Result<Vec<String>, Fault> {
        let mut pages = self.iam.list_role_policies().role_name(name).max_items(PAGE).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault("iam:ListRolePolicies"))?.policy_names);
        }
        Ok(found)
    }

    /// Inline policies by name, still encoded.
    async fn inline(&self, name: &str) -> Result<BTreeMap<String, String>, Fault> {
        let mut found = BTreeMap::new();
        for policy in self.inline_names(name).await? {
            let call = self.iam.get_role_policy().role_name(name).policy_name(&policy);
            let answer = call.send().await.map_err(fault("iam:GetRolePolicy"))?;
            found.insert(policy, answer.policy_document);
        }
        Ok(found)
    }

    async fn profiles(&self, name: &str) -> Result<Vec<String>, Fault> {
        let call = self.iam.list_instance_profiles_for_role().role_name(name).max_items(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(fault("iam:ListInstanceProfilesForRole"))?;
            found.extend(page.instance_profiles.into_iter().map(|profile| profile.instance_profile_name));
        }
        Ok(found)
    }

    /// What is allowed anew comes before what is taken away, so that tasks which run on the role lose nothing that they
    /// keep. Only where both together go over a quota is it the other way round.
    async fn bring_policies(&self, from: &Spec, to: &Spec, name: &str) -> Result<(), Fault> {
        match self.add_policies(from, to, name).await {
            Ok(()) => self.take_policies(from, to, name).await,
            Err(fault) if fault.class == Class::Limit => {
                self.take_policies(from, to, name).await?;
                self.add_policies(from, to, name).await
            }
            Err(fault) => Err(fault),
        }
    }

    async fn add_policies(&self, from: &Spec, to: &Spec, name: &str) -> Result<(), Fault> {
        for (policy, wanted) in &to.inline_policies {
            if from.inline_policies.get(policy) != Some(wanted) {
                let action = "iam:PutRolePolicy";
                let call = self.iam.put_role_policy().role_name(name).policy_name(policy);
                call.policy_document(json(action, wanted)?).send().await.map_err(fault(action))?;
            }
        }
        for policy in to.managed_policies.difference(&from.managed_policies) {
            let call = self.iam.attach_role_policy().role_name(name).policy_arn(policy);
            call.send().await.map_err(fault("iam:AttachRolePolicy"))?;
        }
        Ok(())
    }

    async fn take_policies(&self, from: &Spec, to: &Spec, name: &str) -> Result<(), Fault> {
        for policy in from.inline_policies.keys().filter(|policy| !to.inline_policies.contains_key(*policy)) {
            self.delete_inline(name, policy).await?;
        }
        for policy in from.managed_policies.difference(&to.managed_policies) {
            self.detach(name, policy).await?;
        }
        Ok(())
    }

    async fn delete_inline(&self, name: &str, policy: &str) -> Result<(), Fault> {
        let call = self.iam.delete_role_policy().role_name(name).policy_name(policy);
        gone_is_fine(call.send().await.map_err(fault("iam:DeleteRolePolicy")))
    }

    async fn detach(&self, name: &str, policy: &str) -> Result<(), Fault> {
        let call = self.iam.detach_role_policy().role_name(name).policy_arn(policy);
        gone_is_fine(call.send().await.map_err(fault("iam:DetachRolePolicy")))
    }
}
