// Logical volumes on which a host asks for something (feature row T10): a volume whose whole content is a
// request gets the answer in its place.
//
// A volume holds a request when its one partition, clear and no WORM, has
//   the request's records, and behind them nothing but filemarks, or
//   labels (VOL1, HDR1 …), a filemark, the request's records, a filemark, labels (EOF1 …), filemarks,
// each label a record of 80 ASCII characters. Everything else is a host's data and stays as it is; so is a
// request that was there before the mount (VolumeMounts: the volume's content stamp is still the same).
//
// The answer is a new file with the volume's identity and what hosts wrote into its cartridge memory: the
// text in records of whole lines, at most kAnswerRecordBytes long, a filemark behind it; on a labelled volume
// between its labels, in which record format (U) and block count are set.
//
// Not thread-safe of one file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "engine/volume_answers.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::engine {

struct RequestVolume {
  std::string text;
  std::vector<std::string> labels_before{};  // none: an unlabelled volume
  std::vector<std::string> labels_behind{};
  bool ended = false;               // a filemark stands behind the text: the host wrote no more of it
  tape::CartridgeSpec spec{};       // of the answer's file
  tape::AttributeMap attributes{};  // that hosts wrote
};

// Nothing for a volume that holds no request, or that cannot be read. `env` opens the file, which nobody
// writes to.
std::optional<RequestVolume> read_request(Env env, const std::string& path, const VolumeAnswers& answers);

// Makes the file, whole and synced. An answer that cannot be had, or is larger than the volume, is told on it
// instead. Errors of the disk; kUnavailable, and no file, when `go_on` said no, which is asked before each
// piece.
Status write_answer(Env env, const std::string& path, const RequestVolume& request, VolumeAnswers& answers,
                    const std::function<bool()>& go_on);

}  // namespace tapewarden::engine
