class ProfilesController < ApplicationController
  before_action :require_user

  def show; end

  def update
    if current_user.update(params.require(:user).permit(:name, :avatar))
      redirect_to profile_path, notice: "Your profile is saved"
    else
      render :show, status: :unprocessable_entity
    end
  end

  def avatar
    return head(:not_found) unless current_user.avatar.attached?

    blob = current_user.avatar.blob
    return unless stale?(etag: blob.checksum, last_modified: blob.created_at)

    file = blob.service.path_for(blob.key)
    send_file file, type: blob.content_type, disposition: "inline", filename: blob.filename.to_s
  end
end
