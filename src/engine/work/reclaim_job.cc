#include "engine/work/image_arrival.h"
#include "engine/work/limits.h"
#include "engine/work/recall.h"
#include "engine/work/reclaim.h"

namespace tapewarden::engine {
namespace {

// Sizes of images, which are not quite those of files in the cache.
std::string reclaimed_to(std::uint8_t pool) {
  return "reclaim to " + pool_name(pool);
}

}  // namespace

Status ReclaimJob::run() {
  auto done = work();
  const auto target_away = writer_.end();
  const auto source_away = source_.end(in_vain_);
  if (!done) return done;
  return target_away ? source_away : target_away;
}

Status ReclaimJob::work() {
  // Without a cartridge to write on the source need not be mounted.
  if (!TRY(source_.close()) || !TRY(writer_.ready())) return {};
  in_vain_ = true;
  if (!TRY(source_.begin())) return {};
  for (auto volumes = TRY(source_.next()); !volumes.empty(); volumes = TRY(source_.next())) {
    for (const auto& placed : volumes) {
      auto ended = TRY(move_one(placed));
      if (ended == Ended::kFull) ended = TRY(move_one(placed));
      if (ended == Ended::kStop || ended == Ended::kFull) return {};
      if (ended == Ended::kWell) in_vain_ = false;
      if (gives_way()) {
        in_vain_ = false;  // it goes on as soon as the recall is done
        return {};
      }
    }
  }
  return {};
}

bool ReclaimJob::gives_way() {
  const auto target = writer_.mounted() ? writer_.mount().cartridge().barcode : "";
  return must_give_way(state_, drives_.first.station(), source_.cartridge().barcode) ||
         must_give_way(state_, drives_.second.station(), target);
}

Result<ReclaimJob::Ended> ReclaimJob::move_one(const PlacedVolume& placed) {
  const auto claim = state_.copies.claim(copy_name(placed.volume.volser, placed.copy));
  if (!claim) return Ended::kSkipped;
  const auto now = TRY(state_.parts.catalogue.volume(placed.volume.volser));
  if (!source_.holds(now, placed.copy)) return Ended::kSkipped;
  if (state_.too_large.is(reclaimed_to(target_), placed.volume.copy(placed.copy)->bytes,
                          state_.parts.env.clock->steady_now()))
    return Ended::kSkipped;
  if (!TRY(writer_.ready(other_cartridge(now, placed.copy))))
    return writer_.avoided() ? Ended::kSkipped : Ended::kStop;
  if (!TRY(source_.may_go_on(writer_.mount().cartridge()))) {
    in_vain_ = false;
    return Ended::kStop;
  }
  return move_image({now, placed.copy});
}

Result<ReclaimJob::Ended> ReclaimJob::move_image(const PlacedVolume& placed) {
  const auto ended = TRY(stream(placed));
  if (ended == Ended::kFull) return full(placed);
  if (ended == Ended::kSkipped) writer_.tape().abandon_image();
  if (ended != Ended::kWell) return ended;
  // What the source's own trailer says, and what was read from it is: the bytes are hashed once on their way,
  // and the hash that was made of them when they left the cache goes with them to all cartridges.
  const auto image = writer_.finish_image(source_.mount().tape().trailer().sha256);
  if (!image) return target_failed(image.error());
  if (!*image) return full(placed);
  if (!TRY(count(placed, **image))) return Ended::kFull;
  (void)state_.parts.notices.clear(NoticeKind::kVolumeUnreadable, placed.volume.volser, "it was read");
  source_.mount().touched(placed.volume.volser);
  writer_.mount().touched(placed.volume.volser);
  if ((*image)->early_warning) TRY(writer_.end_full());
  return Ended::kWell;
}

Result<ReclaimJob::Ended> ReclaimJob::stream(const PlacedVolume& placed) {
  auto& from = source_.mount().tape();
  const auto source_failed = [&](const Error& error) -> Result<Ended> {
    return TRY(source_.failed(placed, error)) ? Ended::kSkipped : Ended::kStop;
  };
  const auto header = open_copy(from, placed.volume, placed.copy);
  if (!header) return source_failed(header.error());
  const auto begun = writer_.tape().begin_image(*header, StackWriter::Hash::kCaller);
  if (!begun) return target_failed(begun.error());
  if (*begun == ImageFit::kCartridgeFull) return Ended::kFull;
  while (true) {
    const auto piece = from.read_image();
    if (!piece) return source_failed(piece.error());
    if (!*piece) return Ended::kWell;
    const auto fit = writer_.tape().append(**piece);
    if (!fit) return target_failed(fit.error());
    if (state_.ending) {
      writer_.tape().abandon_image();
      return Ended::kStop;
    }
    if (*fit == ImageFit::kCartridgeFull) return Ended::kFull;
  }
}

Result<ReclaimJob::Ended> ReclaimJob::target_failed(const Error& error) {
  if (fault_of(error) == MountFault::kNone) return std::unexpected(error);
  TRY(writer_.mount().met(error));
  TRY(writer_.end());
  return Ended::kStop;
}

Result<ReclaimJob::Ended> ReclaimJob::full(const PlacedVolume& placed) {
  writer_.tape().abandon_image();
  if (!writer_.fresh()) {
    TRY(writer_.end_full());
    return Ended::kFull;
  }
  state_.too_large.note(reclaimed_to(target_), placed.volume.copy(placed.copy)->bytes,
                        state_.parts.env.clock->steady_now());
  state_.parts.notices.raise(NoticeKind::kNoScratchCartridge, pool_name(target_),
                             "the logical volume " + placed.volume.volser +
                                 " does not fit on an empty cartridge of " + pool_name(target_));
  return Ended::kSkipped;
}

Result<bool> ReclaimJob::count(const PlacedVolume& placed, const WrittenImage& image) {
  return writer_.commit(
      image, ImageFrom::kTape,
      [&](CatalogueChange& change, const Copy& moved) -> Status {
        auto now = TRY(change.find_volume(placed.volume.volser));
        if (!now || now->generation != placed.volume.generation || !source_.holds(*now, placed.copy) ||
            other_cartridge(*now, placed.copy) == moved.cartridge)
          return {};
        (placed.copy == CopyNumber::kPrimary ? now->primary : now->secondary) = moved;
        return change.put(*now);
      },
      placed.volume.generation);
}

}  // namespace tapewarden::engine
