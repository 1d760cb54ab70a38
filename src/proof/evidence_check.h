// What an evidence pack says, checked beyond its signature: that the seals fit the EEDKs and the volume, that
// each KEK certificate is the one that its hash names, that each audit line carries the chain it claims, that
// the checkpoint was signed (docs/formats/evidence.md). Included by .cc files only. Pure.
#pragma once

#include <string>
#include <vector>

#include "proof/signed_document.h"

namespace tapewarden::proof {

struct EvidenceReport {
  std::string volser;
  std::size_t entries = 0;  // ledger rows
  std::size_t confirmed = 0;
  std::size_t imported = 0;
  std::size_t seals = 0;  // that were checked and fit
  std::size_t data_keys = 0;
  std::size_t keks = 0;
  std::size_t drives = 0;
  std::size_t audit_lines = 0;
  bool checkpoint = false;
  std::vector<std::string> remarks;  // what the pack cannot prove, in words
};

// kCorrupt naming the part that contradicts another.
Result<EvidenceReport> check_evidence(const SignedDocument& document);

}  // namespace tapewarden::proof
