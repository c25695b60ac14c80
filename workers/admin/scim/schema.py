"""SCIM schemas of users and groups (RFC 7643), our extension, and what the server announces."""

from typing import Annotated, Any

import scim2_models
from pydantic import Field, field_validator
from scim2_models import (
    URN,
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Extension,
    Filter,
    Mutability,
    Pagination,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    Returned,
    Schema,
    ScimPolicy,
    ServiceProviderConfig,
    Sort,
)

LARGEST_BODY = 1_000_000
"""The most bytes of a request."""
LARGEST_PAGE = 200
PAGE = 100


class Email(scim2_models.Email):
    value: str | None = None
    """An e-mail address, stored as it was sent: it is an attribute, never a key."""

    @field_validator("value")
    @classmethod
    def _has_two_sides(cls, value: str | None) -> str | None:
        """Check the address; the library's check changes its case and refuses `.local`."""
        name, at, domain = (value or "a@b").rpartition("@")
        if not (name and at and domain) or any(one.isspace() for one in name + domain):
            raise ValueError("value is not an e-mail address")
        return value


class Manager(scim2_models.Manager):
    value: Annotated[str | None, CaseExact.true] = None
    """The id of the SCIM resource representing the User's manager."""

    ref: Annotated[Reference["User"] | None, Required.false] = Field(  # type: ignore[type-arg, assignment]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the SCIM resource representing the User's manager. Okta and Entra leave it out."""


class EnterpriseUser(scim2_models.EnterpriseUser):
    manager: Manager | None = None
    """The User's manager."""


class SourceAccount(ComplexAttribute):
    source: Annotated[str | None, Required.true, CaseExact.true] = None
    """The system that the account is in, such as `slack:T0ACME`."""

    native_id: Annotated[str | None, Required.true, CaseExact.true] = None
    """The immutable id that the system gave the account."""


class KenUser(Extension):
    """Attributes that Ken needs and SCIM does not have."""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:ken:2.0:User")

    identities: list[SourceAccount] | None = None
    """The accounts in other systems that the identity provider vouches for."""

    guest: bool | None = None
    """A guest reads what guests may read, not what every member of the company may."""


class User(scim2_models.User[AnyExtension]):
    emails: list[Email] | None = None  # type: ignore[assignment]
    """Email addresses for the user."""


class GroupMember(scim2_models.GroupMember):
    display: Annotated[str | None, Mutability.read_only, Returned.request] = None
    """The name of the member, as Ken knows it."""


class Group(scim2_models.Group):
    members: list[GroupMember] | None = None  # type: ignore[assignment]
    """A list of members of the Group."""


ScimUser: type[Any] = User[EnterpriseUser | KenUser]
ScimGroup: type[Any] = Group
MODELS: dict[str, Any] = {"User": ScimUser, "Group": ScimGroup}
ENTERPRISE = str(EnterpriseUser.__schema__)


def about(message: Any, model: Any) -> Any:
    """`message[model]`, of models that are known only at run time."""
    return message.__class_getitem__(model)


def _as_written(binding: Any, value: str) -> str:
    """Without regard to case where RFC 7643 says so; never folded in any other way."""
    return value if binding.case_exact else value.lower()


POLICY = ScimPolicy(
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
    comparison_key=_as_written,
)
"""Entra removes members by a value, and writes `emails[type eq "work"].value` without an e-mail."""


CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=LARGEST_PAGE),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    pagination=Pagination(
        cursor=False,
        index=True,
        default_pagination_method=Pagination.DefaultPaginationMethod.index,
        default_page_size=PAGE,
        max_page_size=LARGEST_PAGE,
    ),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A token from `ken token create` with the scope `identity`, in the header "
            "Authorization.",
            primary=True,
        )
    ],
)

RESOURCE_TYPES: dict[str, Resource[Any]] = {
    "User": ResourceType.from_resource(ScimUser),
    "Group": ResourceType.from_resource(ScimGroup),
}

SCHEMAS: dict[str, Resource[Any]] = {
    str(model.__schema__): model.to_schema()
    for model in (
        User,
        EnterpriseUser,
        KenUser,
        Group,
        ServiceProviderConfig,
        ResourceType,
        Schema,
    )
}
