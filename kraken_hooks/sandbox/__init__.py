"""Runs hooks in processes that own nothing but a pipe: language (wall 1), facades (wall 2), process limits (wall 3).

Everything here runs in the fork server and in the workers. The broker's process never imports it.
"""
