// Cartridges get the key labels that their rows in the catalogue ask for (feature row K9): each mounted by
// itself, known by its label, new EEDKs made for the data key that it has, put away. Data are not touched.
//
// Cartridge first, catalogue second. A crash between them leaves a row that names the old labels and still
// asks for the new ones: the next try does it again, and any mount before that corrects the row. So the row
// never names labels that the cartridge has not had.
//
// They go round: in the order of barcodes, from the one after the last that was tried. One that is refused
// waits for an hour, and all that ask for the same labels for a while: labels that no key server takes do
// not have a pool's cartridges mounted one after the other.
#pragma once

#include <memory>
#include <string>

#include "engine/work/job_mount.h"

namespace tapewarden::engine {

// The next cartridge that asks for other labels and can be read now. Half of the drives that could are left
// to others, who may want two at once. REQUIRES: as for WorkState::last_rekey.
Result<std::unique_ptr<Job>> pick_rekey(WorkState& state);

// What the cartridge says of its labels can be these.
bool fits(const HeldLabels& held, const std::array<KeyLabel, 2>& labels);

// The row says of its labels what the mounted cartridge itself says, where that can be told: by labels in
// clear, or because what stands there can be what was asked for and not what the row names. True: it was
// changed. Nothing happens when the row is of another medium generation.
Result<bool> correct_labels(Catalogue& catalogue, const std::string& barcode, std::uint64_t medium,
                            const HeldLabels& held);
// The same for the alias of the data key that the cartridge names.
Status correct_alias(Catalogue& catalogue, const std::string& barcode, std::uint64_t medium,
                     const std::string& alias);

}  // namespace tapewarden::engine
