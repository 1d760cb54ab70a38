// The standard's name of a command, for error texts. Internal to tape/initiator/.
#pragma once

#include "scsi/cdb.h"

namespace tapewarden::tape {

inline std::string_view command_name(ByteView cdb) {
  const auto* format = cdb.empty() ? nullptr : scsi::find_cdb_format(cdb[0]);
  return format == nullptr ? std::string_view("command") : format->name;
}

}  // namespace tapewarden::tape
