#include "engine/report/report_stream.h"

#include "base/text.h"
#include "engine/report/row_source.h"

namespace tapewarden::engine {
namespace {

constexpr std::uint64_t kMostRows = std::uint64_t{1} << 40;

std::unique_ptr<RowSource> source_of(const BulkRequest& request, const StatisticsBook* book, WallTime now) {
  switch (request.kind) {
    case ReportKind::kVolumeMap:
      return volume_map();
    case ReportKind::kCacheContents:
      return cache_contents();
    case ReportKind::kVolumeStatus:
      return volume_status(request.volume);
    case ReportKind::kPhysicalVolumeStatus:
      return physical_volume_status(request);
    case ReportKind::kPhysicalMediaPools:
      return physical_media_pools();
    case ReportKind::kPointInTimeStatistics:
      return point_in_time(book, now);
    case ReportKind::kHistoricalStatistics:
      return history(request, book);
    case ReportKind::kHistoricalPools:
      return pool_history(request, book);
  }
  return nullptr;
}

}  // namespace

std::unexpected<Error> no_such_place() {
  return fail(ErrorCode::kInvalidArgument, "the report has no such place", "after",
              "give `next` of the part before, and the same report and format");
}

Status RowSource::go_to(std::string_view) {
  return no_such_place();
}

struct ReportStream::State {
  State(Catalogue& known, const BulkRequest& request, std::unique_ptr<RowSource> rows, WallTime now)
      : catalogue(known),
        source(std::move(rows)),
        writer(request.kind, request.format, source->columns()),
        made(now) {}

  enum class Step : std::uint8_t { kBegin, kRows, kEnd, kDone };
  Catalogue& catalogue;
  std::unique_ptr<RowSource> source;
  TableWriter writer;
  WallTime made;
  Step step = Step::kBegin;
};

ReportStream::ReportStream(Catalogue& catalogue, const StatisticsBook* book, const BulkRequest& request,
                           WallTime now)
    : state_(std::make_unique<State>(catalogue, request, source_of(request, book, now), now)) {}
ReportStream::~ReportStream() = default;
ReportStream::ReportStream(ReportStream&&) noexcept = default;
ReportStream& ReportStream::operator=(ReportStream&&) noexcept = default;

// "ROWS-PLACE OF THE SOURCE"
Status ReportStream::go_to(std::string_view place) {
  const auto dash = place.find('-');
  const auto rows = parse_number(place.substr(0, dash), 0, kMostRows, "after");
  if (dash == std::string_view::npos || !rows) return no_such_place();
  TRY(state_->source->go_to(place.substr(dash + 1)));
  state_->writer.go_on_after(*rows);
  state_->step = State::Step::kRows;
  return {};
}

std::string ReportStream::place() const {
  if (state_->step != State::Step::kRows) return {};
  return std::to_string(state_->writer.rows()) + "-" + state_->source->place();
}

Result<std::optional<std::string>> ReportStream::next() {
  using Step = State::Step;
  auto& state = *state_;
  std::string piece;
  if (state.step == Step::kBegin) {
    piece = state.writer.begin(state.made);
    state.step = Step::kRows;
  }
  while (state.step == Step::kRows) {
    std::string rows;
    bool more = false;
    TRY(state.catalogue.read([&](CatalogueView& view) -> Status {
      more = TRY(
          state.source->page(view, [&](const std::vector<Cell>& cells) { rows += state.writer.row(cells); }));
      return {};
    }));
    piece += rows;
    if (!more) state.step = Step::kEnd;
    if (!piece.empty() && more) return piece;
  }
  if (state.step == Step::kDone) return std::nullopt;
  state.step = Step::kDone;
  piece += state.writer.end();
  if (piece.empty()) return std::nullopt;
  return piece;
}

Result<std::string> whole_report(ReportStream stream, std::size_t limit) {
  std::string all;
  while (const auto piece = TRY(stream.next())) {
    if (all.size() + piece->size() > limit)
      return fail(ErrorCode::kExhausted, "the report is longer than " + std::to_string(limit) + " bytes",
                  "report", "ask for a part of it");
    all += *piece;
  }
  return all;
}

}  // namespace tapewarden::engine
