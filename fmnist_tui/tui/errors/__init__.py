"""Where one run errs: its classes, its confusion matrix, its mistakes one by one."""
