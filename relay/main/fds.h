/* Descriptors that the parent hands to the relay, by number. */
#ifndef RELAY_MAIN_FDS_H
#define RELAY_MAIN_FDS_H

enum relay_fd {
	FD_PARENT = 3, /* a pipe: end of file means that the parent is gone */
	FD_CONFIG, /* text of the configuration, a sealed memory file */
	FD_LOCK, /* lock on state_dir: held as long as the relay lives */
	FD_CONTROL, /* listening control socket */
	FD_LISTEN /* first listener; TCP: one a worker, unix: one */
};

#endif
