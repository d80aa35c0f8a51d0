# The whole schema. The shop is old: earlier migrations were squashed into this file.
ActiveRecord::Schema.define(version: 2024_03_18_091500) do
  options = { charset: "utf8mb4", collation: "utf8mb4_unicode_ci", force: :cascade }

  create_table "users", **options do |t|
    t.string "email", null: false
    t.string "name", null: false
    t.string "password_digest", null: false
    t.boolean "admin", default: false, null: false
    t.timestamps precision: 6
    t.index ["email"], unique: true
  end

  create_table "products", **options do |t|
    t.string "name", null: false
    t.string "slug", null: false
    t.string "subtitle"
    t.text "description", null: false
    t.decimal "price", precision: 10, scale: 2, null: false
    t.string "currency", limit: 3, default: "EUR", null: false
    t.string "category", null: false
    t.string "brand", null: false
    t.text "details"
    t.text "tags"
    t.float "rating", limit: 53
    t.integer "views_count", default: 0, null: false
    t.datetime "listed_at", precision: 6, null: false
    t.datetime "deleted_at", precision: 6
    t.timestamps precision: 6
    t.index ["slug"], unique: true
    t.index ["category", "id"]
    t.index ["listed_at", "id"]
  end

  create_table "variants", **options do |t|
    t.references "product", null: false, foreign_key: false
    t.string "sku", null: false
    t.string "title", null: false
    t.decimal "price", precision: 10, scale: 2, null: false
    t.integer "stock", default: 0, null: false
    t.integer "position", default: 1, null: false
    t.timestamps precision: 6
    t.index ["sku"], unique: true
  end

  create_table "promotions", **options do |t|
    t.string "type", null: false
    t.string "code", null: false
    t.string "name", null: false
    t.boolean "automatic", default: false, null: false
    t.string "category"
    t.decimal "percent", precision: 5, scale: 2
    t.decimal "amount", precision: 10, scale: 2
    t.integer "buy_quantity"
    t.integer "free_quantity"
    t.decimal "minimum_total", precision: 10, scale: 2
    t.datetime "starts_at", precision: 6
    t.datetime "ends_at", precision: 6
    t.integer "usage_limit"
    t.integer "used_count", default: 0, null: false
    t.timestamps precision: 6
    t.index ["code"], unique: true
  end

  create_table "carts", **options do |t|
    t.references "user"
    t.references "promotion"
    t.timestamps precision: 6
  end

  create_table "cart_lines", **options do |t|
    t.references "cart", null: false
    t.references "variant", null: false
    t.integer "quantity", default: 1, null: false
    t.timestamps precision: 6
    t.index ["cart_id", "variant_id"], unique: true
  end

  create_table "orders", **options do |t|
    t.references "user", null: false
    t.references "promotion"
    t.string "number", null: false
    t.integer "status", default: 0, null: false
    t.string "currency", limit: 3, default: "EUR", null: false
    t.decimal "subtotal", precision: 10, scale: 2, null: false
    t.decimal "discount", precision: 10, scale: 2, null: false
    t.decimal "shipping", precision: 10, scale: 2, null: false
    t.decimal "tax", precision: 10, scale: 2, null: false
    t.decimal "total", precision: 10, scale: 2, null: false
    t.datetime "placed_at", precision: 6, null: false
    t.timestamps precision: 6
    t.index ["number"], unique: true
  end

  create_table "order_lines", **options do |t|
    t.references "order", null: false
    t.references "variant", null: false
    t.string "title", null: false
    t.decimal "unit_price", precision: 10, scale: 2, null: false
    t.integer "quantity", null: false
    t.decimal "total", precision: 10, scale: 2, null: false
    t.timestamps precision: 6
  end

  create_table "payments", **options do |t|
    t.references "order", null: false
    t.integer "kind", default: 0, null: false
    t.decimal "amount", precision: 10, scale: 2, null: false
    t.string "reference", null: false
    t.timestamps precision: 6
    t.index ["reference"], unique: true
  end

  create_table "returns", **options do |t|
    t.references "order", null: false
    t.integer "state", default: 0, null: false
    t.string "reason", default: "", null: false
    t.decimal "refund_amount", precision: 10, scale: 2
    t.datetime "approved_at", precision: 6
    t.timestamps precision: 6
  end

  create_table "return_lines", **options do |t|
    t.references "return", null: false
    t.references "order_line", null: false
    t.integer "quantity", null: false
    t.timestamps precision: 6
  end

  create_table "notifications", **options do |t|
    t.references "user", null: false
    t.string "kind", null: false
    t.string "message", null: false
    t.string "path"
    t.datetime "read_at", precision: 6
    t.timestamps precision: 6
  end

  create_table "outbox_events", **options do |t|
    t.string "aggregate_type", null: false
    t.bigint "aggregate_id", null: false
    t.string "name", null: false
    t.text "payload", null: false
    t.datetime "created_at", precision: 6, null: false
    t.datetime "published_at", precision: 6
    t.index ["published_at", "id"]
  end

  create_table "active_storage_blobs", **options do |t|
    t.string "key", null: false
    t.string "filename", null: false
    t.string "content_type"
    t.text "metadata"
    t.string "service_name", null: false
    t.bigint "byte_size", null: false
    t.string "checksum", null: false
    t.datetime "created_at", null: false
    t.index ["key"], unique: true
  end

  create_table "active_storage_attachments", **options do |t|
    t.string "name", null: false
    t.string "record_type", null: false
    t.bigint "record_id", null: false
    t.bigint "blob_id", null: false
    t.datetime "created_at", null: false
    t.index ["blob_id"]
    t.index ["record_type", "record_id", "name", "blob_id"], unique: true, name: "index_active_storage_attachments_uniqueness"
  end

  create_table "active_storage_variant_records", **options do |t|
    t.bigint "blob_id", null: false
    t.string "variation_digest", null: false
    t.index ["blob_id", "variation_digest"], unique: true, name: "index_active_storage_variant_records_uniqueness"
  end
end
