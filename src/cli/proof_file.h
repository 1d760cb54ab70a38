// Files that a key server signed, checked without one: evidence packs and certificates of erasure. Included
// by .cc files only. One thread at a time.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/context.h"
#include "proof/signed_document.h"

namespace tapewarden::cli {

// FILE, and whom to trust: --certificate, --ca; with --site its authority is enough.
std::vector<ArgumentSpec> proof_arguments(std::string_view what);

// The document in FILE when it is whole, unchanged and signed by somebody trusted. kInvalidArgument naming
// the signer when nobody is trusted: a file that vouches for itself proves nothing.
Result<proof::SignedDocument> open_proof(Context& context, const Values& values, proof::DocumentKind kind);

// "signed by …" and "made …", for a person.
std::string signer_text(const proof::SignedDocument& document);

Status verify_evidence(Context& context, const Values& values);
Status verify_erasure(Context& context, const Values& values);
Status verify_destruction(Context& context, const Values& values);

}  // namespace tapewarden::cli
