// The lines of an audit record that speak of one cartridge, each with the chain before it, and how far the
// record goes. Included by .cc files only. Any thread; reads files only.
#pragma once

#include <boost/json.hpp>
#include <set>
#include <string>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::keymgr {

struct AuditSubject {
  std::string volser;  // upper case
  std::set<Uuid> volumes;
};

// {"lines": [{"before", "line"}], "head": {"line", "chain"}, "checkpoint": null or {…}}. kExhausted beyond
// `limit` lines; kCorrupt naming file and line.
Result<boost::json::object> audit_excerpt(Disk& disk, const std::string& directory,
                                          const AuditSubject& subject, std::size_t limit);

}  // namespace tapewarden::keymgr
