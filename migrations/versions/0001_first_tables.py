"""The first tables, with the row of general settings and the default store."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("company_registration_name", sa.String(length=255), nullable=False),
        sa.Column("business_registration_number", sa.String(length=255), nullable=False),
        sa.Column("manager_name", sa.String(length=255), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("vat_number", sa.String(length=255), nullable=True),
        sa.Column("customer_tags", sa.JSON(), nullable=False),
        sa.Column("inactive", sa.Boolean(), nullable=False),
        sa.Column("custom_fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("external_id", name=op.f("uq_accounts_external_id")),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("password_origin", sa.String(length=270), nullable=True),
        sa.Column("private_key", sa.Text(), nullable=True),
        sa.Column("private_key_passphrase", sa.Text(), nullable=True),
        sa.Column("host_key", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("type = 'SFTP'", name=op.f("ck_connections_type")),
        sa.CheckConstraint("port between 1 and 65535", name=op.f("ck_connections_port")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("public_id", name=op.f("uq_connections_public_id")),
    )
    op.create_index("uq_connections_name_lower", "connections", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "general_settings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("file_name_prefix", sa.String(length=20), nullable=False),
        sa.Column("multi_store", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_general_settings_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_general_settings")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_sweeps", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sa.UniqueConstraint("external_id", name=op.f("uq_stores_external_id")),
    )
    op.create_table(
        "suppliers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("logo", sa.Text(), nullable=True),
        sa.Column("banner", sa.Text(), nullable=True),
        sa.Column("rating", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("return_policy", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("inactive", sa.Boolean(), nullable=False),
        sa.Column("total_offers", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("total_orders", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("total_sales", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payment_due_date_delay", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payment_due_date_mode", sa.String(length=20), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("stores", sa.JSON(), nullable=False),
        sa.Column("custom_fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "payment_due_date_mode in ('SIMPLE', 'END_OF_MONTH')", name=op.f("ck_suppliers_payment_due_date_mode")
        ),
        sa.CheckConstraint("status in ('ACTIVE', 'SUSPENDED', 'CLOSED')", name=op.f("ck_suppliers_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppliers")),
        sa.UniqueConstraint("external_id", name=op.f("uq_suppliers_external_id")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role in ('ADMIN', 'OPERATOR', 'VIEWER')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "account_addresses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=True),
        sa.Column("full_name", sa.String(length=255), nullable=False),
        sa.Column("country", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=True),
        sa.Column("city", sa.String(length=255), nullable=False),
        sa.Column("zip_code", sa.String(length=255), nullable=False),
        sa.Column("street_name", sa.String(length=255), nullable=False),
        sa.Column("additional_street_name", sa.String(length=255), nullable=True),
        sa.Column("phone_number", sa.String(length=255), nullable=True),
        sa.Column("shipping", sa.Boolean(), nullable=False),
        sa.Column("billing", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_addresses_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_addresses")),
        sa.UniqueConstraint("account_id", "external_id", name=op.f("uq_account_addresses_account_id_external_id")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_tokens_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "export_jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("output_folder", sa.Text(), nullable=False),
        sa.Column("export_format", sa.String(length=10), nullable=False),
        sa.Column("file_name_format", sa.String(length=10), nullable=False),
        sa.Column("trigger_statuses", sa.JSON(), nullable=False),
        sa.Column("reexport_on_hold", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("entity = 'ORDER'", name=op.f("ck_export_jobs_entity")),
        sa.CheckConstraint("export_format in ('XML', 'JSON')", name=op.f("ck_export_jobs_export_format")),
        sa.CheckConstraint("file_name_format in ('SHORT', 'STANDARD')", name=op.f("ck_export_jobs_file_name_format")),
        sa.CheckConstraint("method = 'SFTP'", name=op.f("ck_export_jobs_method")),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_export_jobs_connection_id_connections")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_jobs")),
        sa.UniqueConstraint("public_id", name=op.f("uq_export_jobs_public_id")),
    )
    op.create_index(op.f("ix_export_jobs_connection_id"), "export_jobs", ["connection_id"], unique=False)
    op.create_index("uq_export_jobs_name_lower", "export_jobs", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("commercial_reference", sa.String(length=255), nullable=False),
        sa.Column("store_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("payment_status", sa.String(length=40), nullable=True),
        sa.Column("payment_option", sa.String(length=40), nullable=True),
        sa.Column("incident_declared", sa.Boolean(), nullable=False),
        sa.Column("partially_declined_by_supplier", sa.Boolean(), nullable=False),
        sa.Column("order_origin", sa.String(length=255), nullable=True),
        sa.Column("shipping_type", sa.String(length=255), nullable=True),
        sa.Column("lead_time_to_ship", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("initial_price", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("supplier_snapshot", sa.JSON(), nullable=False),
        sa.Column("customer_snapshot", sa.JSON(), nullable=False),
        sa.Column("custom_fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_shipping_fees", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("total_item_price", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("total_order_price", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("total_tax_amount", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("total_price_without_tax", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("total_price_with_tax", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column(
            "total_shipping_tax_amount", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column(
            "total_shipping_fees_without_tax", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column(
            "total_shipping_fees_with_tax", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column(
            "total_product_tax_amount", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column(
            "total_product_without_tax", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column("total_product_with_tax", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "payment_status in ('INIT_PAYMENT', 'AUTHORIZATION_PENDING', 'WAITING_AUTHORIZATION', 'AUTHORIZED', 'WAITING_PAYMENT', 'CAPTURE_PENDING', 'PAID', 'PARTIALLY_PAID', 'OVER_PAID', 'REFUSED', 'WAITING_REFUND', 'PARTIALLY_REFUNDED', 'REFUNDED')",
            name=op.f("ck_orders_payment_status"),
        ),
        sa.CheckConstraint(
            "status in ('CREATING', 'DRAFT_ORDER', 'DRAFT_ORDER_ON_HOLD', 'BLOCKED_BY_POLICY', 'BLOCKED_BY_PAYMENT', 'ORDER_CREATED', 'WAITING_CUSTOMER_APPROVAL', 'WAITING_SUPPLIER_APPROVAL', 'ACCEPTED_BY_SUPPLIER', 'WAITING_FULFILLMENT', 'WAITING_SHIPMENT', 'PARTIALLY_CANCELED', 'PARTIALLY_SHIPPED', 'SHIPPED', 'INCIDENT', 'COMPLETED', 'CANCELED', 'DECLINED_BY_SUPPLIER', 'DECLINED_BY_CUSTOMER')",
            name=op.f("ck_orders_status"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_orders_account_id_accounts")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_orders_store_id_stores")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_orders_supplier_id_suppliers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("external_id", name=op.f("uq_orders_external_id")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
        sa.UniqueConstraint("reference", name=op.f("uq_orders_reference")),
    )
    op.create_index(op.f("ix_orders_account_id"), "orders", ["account_id"], unique=False)
    op.create_index(op.f("ix_orders_commercial_reference"), "orders", ["commercial_reference"], unique=False)
    op.create_index("ix_orders_status_id", "orders", ["status", "id"], unique=False)
    op.create_index(op.f("ix_orders_store_id"), "orders", ["store_id"], unique=False)
    op.create_index(op.f("ix_orders_supplier_id"), "orders", ["supplier_id"], unique=False)
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
    )
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"], unique=False)
    op.create_table(
        "export_job_suppliers",
        sa.Column("export_job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_job_id"],
            ["export_jobs.id"],
            name=op.f("fk_export_job_suppliers_export_job_id_export_jobs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"],
            ["suppliers.id"],
            name=op.f("fk_export_job_suppliers_supplier_id_suppliers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_job_id", "supplier_id", name=op.f("pk_export_job_suppliers")),
    )
    op.create_index(op.f("ix_export_job_suppliers_supplier_id"), "export_job_suppliers", ["supplier_id"], unique=False)
    op.create_table(
        "order_addresses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("country", sa.String(length=255), nullable=True),
        sa.Column("label", sa.String(length=255), nullable=True),
        sa.Column("full_name", sa.String(length=255), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("additional_address", sa.Text(), nullable=True),
        sa.Column("city", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=255), nullable=True),
        sa.Column("zipcode", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=255), nullable=True),
        sa.CheckConstraint("kind in ('SHIPPING', 'BILLING')", name=op.f("ck_order_addresses_kind")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_addresses_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_addresses")),
        sa.UniqueConstraint("order_id", "kind", name=op.f("uq_order_addresses_order_id_kind")),
    )
    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("price", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column(
            "item_price_without_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column("tax_rate", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("tax_amount", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("price_with_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("type_value", sa.String(length=255), nullable=True),
        sa.Column("item_per_pack", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity_per_item", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("external_source", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("packing_type", sa.String(length=50), nullable=False),
        sa.Column("external_offer_id", sa.String(length=255), nullable=True),
        sa.Column(
            "shipping_price_without_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column("shipping_tax_amount", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column(
            "shipping_price_with_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column("total_item_price", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column(
            "total_item_price_with_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column("total_price_with_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("total_item_tax_amount", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column(
            "total_price_without_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False
        ),
        sa.Column("total_taxes", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("product", sa.JSON(), nullable=False),
        sa.Column("variant", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=True),
        sa.Column("payment_status", sa.String(length=40), nullable=True),
        sa.Column("incident_declared", sa.Boolean(), nullable=False),
        sa.Column("custom_fields", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_order_lines_order_id_number")),
    )
    op.create_table(
        "order_payments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("transaction_id", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_payments_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_payments")),
    )
    op.create_index(op.f("ix_order_payments_order_id"), "order_payments", ["order_id"], unique=False)
    op.create_table(
        "order_snapshots",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("supplier_external_id", sa.String(length=255), nullable=True),
        sa.Column("store_external_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_snapshots_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_snapshots")),
    )
    op.create_index(op.f("ix_order_snapshots_order_id"), "order_snapshots", ["order_id"], unique=False)
    op.create_table(
        "executions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("export_job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("job_public_id", sa.String(length=36), nullable=False),
        sa.Column("job_name", sa.String(length=200), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("entity_reference", sa.String(length=255), nullable=False),
        sa.Column("trigger_status", sa.String(length=40), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("repeats", sa.Boolean(), nullable=False),
        sa.Column("predecessor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor", sa.String(length=150), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("may_have_arrived_twice", sa.Boolean(), nullable=False),
        sa.Column("token", sa.String(length=36), nullable=True),
        sa.Column("worker", sa.String(length=150), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rename_attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("left_behind", sa.Boolean(), nullable=False),
        sa.Column("sent_server", sa.String(length=400), nullable=True),
        sa.Column("sent_folder", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'JOB_STARTED') <= (lease_until is not null)", name=op.f("ck_executions_lease")),
        sa.CheckConstraint("kind = 'EXPORT'", name=op.f("ck_executions_kind")),
        sa.CheckConstraint("origin in ('TRIGGER', 'RUN', 'RETRY', 'RESEND')", name=op.f("ck_executions_origin")),
        sa.CheckConstraint(
            "status in ('JOB_PENDING', 'JOB_STARTED', 'SUCCESS', 'ERROR', 'JOB_STOPPED')",
            name=op.f("ck_executions_status"),
        ),
        sa.ForeignKeyConstraint(
            ["export_job_id"],
            ["export_jobs.id"],
            name=op.f("fk_executions_export_job_id_export_jobs"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_executions_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["predecessor_id"], ["executions.id"], name=op.f("fk_executions_predecessor_id_executions")
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["order_snapshots.id"], name=op.f("fk_executions_snapshot_id_order_snapshots")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_executions_public_id")),
    )
    op.create_index(
        "ix_executions_due",
        "executions",
        ["next_attempt_at", "id"],
        unique=False,
        sqlite_where=sa.text("status in ('JOB_PENDING', 'JOB_STARTED')"),
        postgresql_where=sa.text("status in ('JOB_PENDING', 'JOB_STARTED')"),
    )
    op.create_index(
        "ix_executions_failed",
        "executions",
        ["export_job_id", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'ERROR'"),
        postgresql_where=sa.text("status = 'ERROR'"),
    )
    op.create_index(
        "ix_executions_left_behind",
        "executions",
        ["sent_server"],
        unique=False,
        sqlite_where=sa.text("left_behind"),
        postgresql_where=sa.text("left_behind"),
    )
    op.create_index(
        "ix_executions_started",
        "executions",
        ["export_job_id", "lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'JOB_STARTED'"),
        postgresql_where=sa.text("status = 'JOB_STARTED'"),
    )
    op.create_index("ix_executions_history", "executions", ["executed_at", "id", "status"], unique=False)
    op.create_index("ix_executions_job_history", "executions", ["export_job_id", "executed_at", "id"], unique=False)
    op.create_index(op.f("ix_executions_job_public_id"), "executions", ["job_public_id"], unique=False)
    op.create_index("ix_executions_order", "executions", ["order_id", "id"], unique=False)
    op.create_index(op.f("ix_executions_predecessor_id"), "executions", ["predecessor_id"], unique=False)
    op.create_index(op.f("ix_executions_snapshot_id"), "executions", ["snapshot_id"], unique=False)
    op.create_index(
        "ix_executions_turn",
        "executions",
        ["export_job_id", "order_id", "id"],
        unique=False,
        sqlite_where=sa.text("status in ('JOB_PENDING', 'JOB_STARTED')"),
        postgresql_where=sa.text("status in ('JOB_PENDING', 'JOB_STARTED')"),
    )
    op.create_index(
        "uq_executions_repeat",
        "executions",
        ["export_job_id", "order_id", "trigger_status"],
        unique=True,
        sqlite_where=sa.text("repeats and status = 'JOB_PENDING' and attempts = 0"),
        postgresql_where=sa.text("repeats and status = 'JOB_PENDING' and attempts = 0"),
    )
    op.create_index(
        "uq_executions_trigger",
        "executions",
        ["export_job_id", "order_id", "trigger_status"],
        unique=True,
        sqlite_where=sa.text("origin = 'TRIGGER' and not repeats"),
        postgresql_where=sa.text("origin = 'TRIGGER' and not repeats"),
    )
    op.create_index(
        "uq_executions_unended_successor",
        "executions",
        ["predecessor_id"],
        unique=True,
        sqlite_where=sa.text("status in ('JOB_PENDING', 'JOB_STARTED')"),
        postgresql_where=sa.text("status in ('JOB_PENDING', 'JOB_STARTED')"),
    )
    op.create_table(
        "order_status_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_status", sa.String(length=40), nullable=True),
        sa.Column("to_status", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=150), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_status_changes_order_id_orders"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["order_snapshots.id"], name=op.f("fk_order_status_changes_snapshot_id_order_snapshots")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_status_changes")),
    )
    op.create_index(op.f("ix_order_status_changes_order_id"), "order_status_changes", ["order_id"], unique=False)
    op.create_index(op.f("ix_order_status_changes_snapshot_id"), "order_status_changes", ["snapshot_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("execution_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_status", sa.String(length=40), nullable=True),
        sa.Column("to_status", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=150), nullable=False),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker", sa.String(length=150), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name=op.f("fk_events_execution_id_executions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_execution_id"), "events", ["execution_id"], unique=False)
    op.create_table(
        "payloads",
        sa.Column("execution_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name=op.f("fk_payloads_execution_id_executions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", name=op.f("pk_payloads")),
    )
    op.bulk_insert(
        sa.table("general_settings", sa.column("id"), sa.column("file_name_prefix"), sa.column("multi_store")),
        [{"id": 1, "file_name_prefix": "DJUST", "multi_store": False}],
    )
    stores = sa.table(
        "stores",
        sa.column("external_id"),
        sa.column("name"),
        sa.column("description"),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("updated_at", sa.DateTime(timezone=True)),
    )
    now = datetime.now(UTC)
    op.execute(
        stores.insert().values(
            external_id="default_store", name="Default store", description="", created_at=now, updated_at=now
        )
    )


def downgrade() -> None:
    for table in (
        "payloads",
        "events",
        "order_status_changes",
        "executions",
        "order_snapshots",
        "order_payments",
        "order_lines",
        "order_addresses",
        "export_job_suppliers",
        "user_sessions",
        "orders",
        "export_jobs",
        "api_tokens",
        "account_addresses",
        "users",
        "suppliers",
        "stores",
        "heartbeats",
        "general_settings",
        "connections",
        "accounts",
    ):
        op.drop_table(table)
