# Counts page views in one UPDATE that leaves updated_at alone, so that caches keep their keys.
module CountsViews
  def record_view!
    self.class.update_counters(id, views_count: 1)
    self.views_count = self.class.where(id: id).pick(:views_count)
    clear_attribute_change(:views_count)
  end
end
