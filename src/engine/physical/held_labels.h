// By which key labels a cartridge's data key can be had, read off its EEDKs. A label that stands there in
// clear says its name; one that stands there as a hash is known by that alone: only a key server can name it.
// Pure, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "scsi/key_path_pages.h"

namespace tapewarden::engine {

struct HeldLabel {
  scsi::LabelModeCode mode = scsi::LabelModeCode::kClear;
  std::string text{};  // the label, or "sha256:" and the hash; empty: the EEDK is not one that is known here
  bool operator==(const HeldLabel&) const = default;
};

struct HeldLabels {
  std::vector<HeldLabel> labels{};  // as many as there are EEDKs
  // Each stands there in clear.
  bool named() const;
  // What is known of them could be these: the same ones in clear, in any order and without regard to case,
  // and as many hashes.
  bool may_be(const std::vector<scsi::KeyLabel>& labels) const;
  std::string text() const;  // for people
  bool operator==(const HeldLabels&) const = default;
};

HeldLabels labels_of(const std::vector<Bytes>& eedks);

}  // namespace tapewarden::engine
