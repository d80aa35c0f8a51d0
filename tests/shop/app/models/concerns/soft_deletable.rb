# Rows are never removed: a deleted row stays for old orders and is hidden by the default scope.
module SoftDeletable
  extend ActiveSupport::Concern

  included do
    default_scope { where(deleted_at: nil) }
  end

  def soft_delete!
    update!(deleted_at: Time.current)
  end
end
