// What the library asks of a keeper that has its cartridges, and what it does when one was brought.
#include "tape/library/library.h"

namespace tapewarden::tape {

void Library::listen_to_keeper() {
  if (keeper_ == nullptr) return;
  keeper_->tell_when_brought([this](const std::string& drive, const std::string& barcode,
                                    const Result<std::string>& path) { brought(drive, barcode, path); });
}

void Library::stop_listening() {
  if (keeper_ != nullptr) keeper_->tell_when_brought({});
}

Status Library::fetch(DriveBay& bay, const Holding& holding, const scsi::WritePolicyPage& policy) {
  (void)hand_back(bay);  // of a drive that is being switched off and on
  // Before the keeper knows: it may have brought the cartridge before fetch() is back.
  TRY(bay.await({holding.barcode, holding.volume, policy}));
  const auto path = keeper_->fetch(holding.barcode, holding.volume, bay.serial());
  if (!path) {
    (void)bay.wait_no_longer(holding.barcode);
    return std::unexpected(path.error());
  }
  if (!*path) return {};
  if (TRY(bay.arrive(holding.barcode, **path))) return {};
  (void)hand_back(bay);
  return fail(ErrorCode::kUnavailable, "drive " + bay.serial() + " was switched off meanwhile", "drive",
              "switch it on");
}

bool Library::hand_back(DriveBay& bay) {
  if (keeper_ == nullptr) return false;
  const auto kept = bay.let_go();
  if (!kept) return false;
  if (!kept->given) {
    keeper_->give_up(kept->barcode, bay.serial());
  } else if (const auto back = keeper_->returned(kept->barcode, bay.serial()); !back) {
    note("cartridge " + kept->barcode + " is out of drive " + bay.serial() +
         ", but not everything went as it should: " + back.error().text());
  }
  return true;
}

void Library::brought(const std::string& drive, const std::string& barcode, const Result<std::string>& path) {
  const auto found = find_bay(drive);
  if (!found) return;
  auto& bay = **found;
  if (!path) {
    if (bay.wait_no_longer(barcode)) note_not_loaded(barcode, bay, path.error());
    return;
  }
  if (const auto arrived = bay.arrive(barcode, *path); !arrived)
    note_not_loaded(barcode, bay, arrived.error());
}

void Library::note_not_loaded(const std::string& barcode, const DriveBay& bay, const Error& error) const {
  note("cartridge " + barcode + " could not be loaded into drive " + bay.serial() + ": " + error.text());
}

}  // namespace tapewarden::tape
