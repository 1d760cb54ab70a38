#include "engine/work/rekey_job.h"

#include <utility>

#include "engine/work/drive_desk.h"

namespace tapewarden::engine {
namespace {

using Labels = std::array<KeyLabel, 2>;

std::vector<scsi::KeyLabel> to_drive(const Labels& labels) {
  std::vector<scsi::KeyLabel> out;
  for (const auto& label : labels) {
    if (label.text.empty()) continue;
    const bool hash = label.mode == LabelMode::kHash;
    out.push_back({label.text, hash ? scsi::LabelModeCode::kHash : scsi::LabelModeCode::kClear});
  }
  return out;
}

Labels named_by(const HeldLabels& held) {
  Labels out;
  for (std::size_t i = 0; i < out.size() && i < held.labels.size(); ++i) out[i] = {held.labels[i].text, {}};
  for (auto& label : out) label.mode = LabelMode::kClear;
  return out;
}

Status can_be_done(const PhysicalVolume& cartridge) {
  if (!cartridge.rekey.wanted())
    return fail(ErrorCode::kConflict, "nobody asked for other key labels on cartridge " + cartridge.barcode,
                "barcode");
  if (readable(cartridge.state)) return {};
  return fail(ErrorCode::kConflict,
              "cartridge " + cartridge.barcode + " is " + std::string(to_string(cartridge.state)) +
                  ": it gets other key labels when it can be read",
              "state");
}

// What was done stands in the row. A request that was changed meanwhile goes on standing.
Status note_done(Catalogue& catalogue, const PhysicalVolume& done) {
  return catalogue.change([&](CatalogueChange& change) -> Status {
    auto row = TRY(change.cartridge(done.barcode));
    if (row.medium != done.medium) return {};
    row.labels = done.rekey.labels;
    if (row.rekey == done.rekey) row.rekey = {};
    return change.put(row);
  });
}

// The error stands; what the cartridge says of itself by now is noted where it can be had.
void note_failed(MountedCartridge& cartridge, Catalogue& catalogue, const PhysicalVolume& row) {
  const auto held = cartridge.held_labels();
  if (held) (void)correct_labels(catalogue, row.barcode, row.medium, *held).has_value();
}

std::optional<Error> put_away(TapeStation& station, MountedCartridge& cartridge, RekeyReport& report) {
  auto away = cartridge.demount();
  if (away) {
    report.unconfirmed = std::move(away->unconfirmed);
    return {};
  }
  station.drive().take_offline(away.error().message);
  return away.error();
}

}  // namespace

Result<RekeyReport> rekey_cartridge(TapeStation& station, Catalogue& catalogue, const Uuid& engine,
                                    const std::string& barcode, MountTrace& trace) {
  const auto row = TRY(catalogue.cartridge(barcode));
  TRY(can_be_done(row));
  RekeyReport report{.before = row.labels, .after = row.rekey.labels};
  const auto mounted = TRY(station.mount_for_read({.barcode = barcode,
                                                   .engine = engine,
                                                   .medium = row.medium,
                                                   .encryption = tape_encryption(row.encryption)},
                                                  trace));
  auto outcome = mounted->rekey(to_drive(row.rekey.labels));
  Status noted;
  if (outcome) {
    report.unproven = std::move(outcome->unproven);
    noted = note_done(catalogue, row);
  } else {
    note_failed(*mounted, catalogue, row);
  }
  report.put_away = put_away(station, *mounted, report);
  if (!outcome) return std::unexpected(std::move(outcome).error());
  TRY(std::move(noted));
  return report;
}

Result<bool> correct_labels(Catalogue& catalogue, const std::string& barcode, std::uint64_t medium,
                            const HeldLabels& held) {
  bool changed = false;
  TRY(catalogue.change([&](CatalogueChange& change) -> Status {
    changed = false;
    auto row = TRY(change.cartridge(barcode));
    const bool concerns = row.medium == medium && row.encryption == MediumEncryption::kWrapped;
    if (!concerns || held.may_be(to_drive(row.labels))) return {};
    if (row.rekey.wanted() && held.may_be(to_drive(row.rekey.labels))) {
      row.labels = row.rekey.labels;
    } else if (held.named()) {
      row.labels = named_by(held);
    } else {
      return {};
    }
    changed = true;
    return change.put(row);
  }));
  return changed;
}

}  // namespace tapewarden::engine
