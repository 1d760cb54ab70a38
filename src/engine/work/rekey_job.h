// A cartridge gets the key labels that its row in the catalogue asks for (feature row K9): mounted, known by
// its label, new EEDKs made for the data key that it has, put away. Its data are not touched. Free functions
// over parts that are borrowed; the cartridge is the caller's alone meanwhile.
//
// Cartridge first, catalogue second. A crash between them leaves a row that names the old labels and still
// asks for the new ones: the next call does it again, and any mount before that may correct the row
// (correct_labels()). So the row never names labels that the cartridge has not had.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "engine/catalogue/catalogue.h"
#include "engine/physical/tape_station.h"

namespace tapewarden::engine {

struct RekeyReport {
  std::array<KeyLabel, 2> before;  // as the catalogue had them
  std::array<KeyLabel, 2> after;
  std::optional<Error> unproven = {};     // RekeyOutcome
  std::optional<Error> unconfirmed = {};  // DemountOutcome
  std::optional<Error> put_away =
      {};  // the cartridge has them, and did not come out of the drive: a MountFault
};

// Errors of the mount and the rekeying carry a MountFault, and leave the request standing; nothing is mounted
// then, or the drive is offline. kConflict without one: the row asks for nothing, or the cartridge cannot be
// read now. `engine`: whose label it bears.
Result<RekeyReport> rekey_cartridge(TapeStation& station, Catalogue& catalogue, const Uuid& engine,
                                    const std::string& barcode, MountTrace& trace);

// The row says of its labels what the mounted cartridge itself says, where that can be told: by labels in
// clear, or because what stands there can be what was asked for and not what the row names. True: it was
// changed. Nothing happens when the row is of another medium generation.
Result<bool> correct_labels(Catalogue& catalogue, const std::string& barcode, std::uint64_t medium,
                            const HeldLabels& held);

}  // namespace tapewarden::engine
