// How SQLite writes its write-ahead log here: a commit's frames gathered in memory and given to the system in
// one call in front of the sync, instead of two small calls for each page. Nothing else changes: what SQLite
// was told to be on stable storage is there, and whoever reads the log through this file sees all of it.
//
// Invariants
//  L1 The file is what it would be without gathering, but for the last bytes written, which are held back.
//  L2 Nothing is held back beyond a sync, a read, a question for the size, a truncation or the end.
//  L3 What could not be written is dropped, and the call that found it fails: SQLite then undoes the
//     transaction, of which the commit frame, its last, is not in the file.
#pragma once

namespace tapewarden::store::sqlite {

// The name of a VFS that does this, over the system's own. For connections whose commits are synced
// (PRAGMA synchronous = FULL): other connections see a commit only after its sync. Thread-safe.
const char* gathering_vfs();

}  // namespace tapewarden::store::sqlite
