module Api
  class NotificationsController < BaseController
    before_action :require_user

    # Unordered: the clients sort.
    def index
      now = Time.current
      notifications = current_user.notifications.map do |notification|
        {
          id: notification.id, kind: notification.kind, message: notification.message, path: notification.path,
          read: notification.read_at.present?, created_at: notification.created_at,
          age_seconds: (now - notification.created_at).to_i
        }
      end
      render json: { notifications: notifications, unread: current_user.notifications.unread.count }
    end
  end
end
