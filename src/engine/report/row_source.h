// Where the rows of a report come from, a page at a time. Internal to engine/report/.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/catalogue/catalogue.h"
#include "engine/report/statistics_book.h"
#include "engine/report/table_writer.h"

namespace tapewarden::engine {

using TakeRow = std::function<void(const std::vector<Cell>&)>;

class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual const std::vector<Column>& columns() const = 0;
  // Gives the rows of the next page, maybe none. False: that was the last one.
  virtual Result<bool> page(CatalogueView& view, const TakeRow& take) = 0;
  // Where the next page begins, in printable characters; of a source of one page: empty.
  virtual std::string place() const { return {}; }
  // Goes on there, of another source for the same request. kInvalidArgument naming "after" for what is no
  // place. REQUIRES: no page was given yet.
  virtual Status go_to(std::string_view place);
};

// Of a place that no source gave.
std::unexpected<Error> no_such_place();

// reports_volumes.cc
std::unique_ptr<RowSource> volume_map();
std::unique_ptr<RowSource> cache_contents();
std::unique_ptr<RowSource> volume_status(std::string prefix);
// reports_cartridges.cc
std::unique_ptr<RowSource> physical_volume_status(const BulkRequest& request);
std::unique_ptr<RowSource> physical_media_pools();
// reports_statistics.cc
std::unique_ptr<RowSource> point_in_time(const StatisticsBook* book, WallTime now);
std::unique_ptr<RowSource> history(const BulkRequest& request, const StatisticsBook* book);
std::unique_ptr<RowSource> pool_history(const BulkRequest& request, const StatisticsBook* book);

}  // namespace tapewarden::engine
